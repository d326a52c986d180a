"""Settings from flags, environment, files and arguments."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import streamify
from docs.comparing import assert_same
from streamify.errors import UsageError
from streamify.model.settings import Rung, Settings
from streamify.settings import read as settings_io

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_flags_beat_environment_beats_file_beats_defaults(tmp_path: Path) -> None:
    (tmp_path / "streamify.yaml").write_text("crf: 18\npreset: slow\nworkers: 3\n")
    found = settings_io.effective({"crf": "30"}, {"STREAMIFY_CRF": "25", "STREAMIFY_PRESET": "fast"}, None)
    assert (found.settings.crf, found.settings.preset, found.settings.workers) == (30, "fast", 3)
    assert found.settings.audio_bitrate == 128_000
    assert found.origins["crf"] == "--crf"
    assert found.origins["preset"] == "STREAMIFY_PRESET"
    assert found.origins["workers"] == "streamify.yaml"
    assert found.origins["audio_bitrate"] == "default"


def test_a_named_file_replaces_the_one_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "streamify.yaml").write_text("crf: 18\n")
    (tmp_path / "other.yaml").write_text("keyframe-seconds: 1.5\n")
    settings = settings_io.effective({}, {}, Path("other.yaml")).settings
    assert (settings.crf, settings.keyframe_seconds) == (23, Fraction(3, 2))


def test_an_empty_file_and_an_empty_variable_set_nothing(tmp_path: Path) -> None:
    (tmp_path / "streamify.yaml").write_text("# nothing\n")
    assert settings_io.effective({}, {"STREAMIFY_CRF": ""}, None).settings == Settings()


@pytest.mark.parametrize("form", ["- {name: 300p, short-side: 300, maxrate: 500000}",
                                  "rungs:\n- {name: 300p, short_side: 300, maxrate: 500000}"])  # fmt: skip
def test_a_ladder_file_is_a_list_or_a_mapping_and_lies_beside_the_settings_file(tmp_path: Path, form: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "my ladder.yaml").write_text(form)
    (tmp_path / "sub" / "settings.yaml").write_text("ladder: my ladder.yaml\n")
    from_file = settings_io.effective({}, {}, Path("sub/settings.yaml"))
    from_flag = settings_io.effective({"ladder": "sub/my ladder.yaml"}, {}, None)
    from_api = settings_io.from_arguments({"ladder": tmp_path / "sub" / "my ladder.yaml"})
    assert from_file.settings == from_flag.settings == from_api
    assert [rung.short_side for rung in from_api.ladder if not isinstance(rung, str)] == [300]
    assert "sub/my ladder.yaml" in from_flag.origins["ladder"]


@pytest.mark.parametrize("value", ["auto", "standard", "1080p,720p"])
def test_names_stay_text_for_planning_to_resolve(value: str) -> None:
    assert settings_io.effective({"ladder": value}, {}, None).settings.ladder == value


@pytest.mark.parametrize(
    ("text", "code", "parts"),
    [
        ("lader: auto", "unknown-setting", ["streamify.yaml", "'lader'", "did you mean 'ladder'?"]),
        ("xyzzy: 1", "unknown-setting", ["'xyzzy'", "known: from"]),
        ("crf: 99", "bad-setting", ["streamify.yaml: crf", "51", "not 99"]),
        ("preset: turbo", "bad-setting", ["preset", "'veryslow'", "turbo"]),
        ("segment_seconds: 0.1", "bad-setting", ["streamify.yaml: segment_seconds", "equal to 1/2, not 0.1"]),
        ("keyframe_seconds: 61/3", "bad-setting", ["equal to 10, not '61/3'"]),
        ("segment_seconds: 1/0", "bad-setting", ["segment_seconds", "zero denominator"]),
        *(
            (f"segment_seconds: {text}", "bad-setting", [f"number, a decimal string or 'N/D', not '{text}' ("])
            for text in ("abc", "nan", "inf", "1e999999999")
        ),
        ("segment_seconds: .inf", "bad-setting", ["must be a number, a decimal string or 'N/D', not inf"]),
        *(
            (f"replace_grace: {text}", "bad-setting", [f"replace_grace: must be a number, not '{text}' ("])
            for text in ("nan", "-inf", "soon")
        ),
        ("ladder: [{name: a, short_side: 300, maxrate: 500000, crf: .nan}]", "bad-setting", ["must be a number"]),
        ("ladder: [{name: a, short_side: 300, maxrat: 500000}]", "unknown-setting", ["'maxrat'", "'maxrate'"]),
        ("ladder: [{name: a, short_side: 301, maxrate: 500000}]", "bad-setting", ["ladder[0]", "301 is odd"]),
        ("ladder: [{name: a, short_side: 300}]", "bad-setting", ["ladder[0].maxrate", "required"]),
        ("ladder: {steps: []}", "unknown-setting", ["'steps'", "rungs"]),
        ("ladder: []", "bad-setting", ["at least one rung"]),
        ("ladder: 720", "bad-setting", ["ladder", "valid string"]),
        ("ladder: gone.yaml", "config-unreadable", ["gone.yaml", "No such file"]),
        ("- crf", "config-invalid", ["not a mapping"]),
        ("crf: [", "config-invalid", ["line 1"]),
        ("crf: 1\ncrf: 2", "config-invalid", ["line 2", "twice"]),
        ("segment-seconds: 4\nsegment_seconds: 6", "config-invalid", ["segment_seconds twice"]),
        ("crf: !!python/object:os.system {}", "config-invalid", ["line 1"]),
        ("a: \x01", "config-invalid", ["streamify.yaml"]),
    ],
)
def test_a_wrong_file_is_named_with_the_key_and_a_remedy(
    tmp_path: Path, text: str, code: str, parts: list[str]
) -> None:
    (tmp_path / "streamify.yaml").write_text(text)
    with pytest.raises(UsageError) as caught:
        settings_io.effective({}, {}, None)
    assert caught.value.code == code
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.message
    for part in parts:
        assert part in str(caught.value)


def test_unknown_variables_and_arguments_are_errors_too() -> None:
    with pytest.raises(UsageError, match=r"STREAMIFY_CFR: there is no setting 'cfr' \(did you mean 'crf'\?\)"):
        settings_io.effective({}, {"STREAMIFY_CFR": "20"}, None)
    with pytest.raises(UsageError, match="argument worker: there is no setting 'worker'"):
        settings_io.from_arguments({"worker": 2})


def test_a_flag_is_not_named_twice() -> None:
    with pytest.raises(UsageError) as caught:
        settings_io.effective({"audio_bitrate": "7"}, {}, None)
    assert caught.value.message.startswith("--audio-bitrate: should be greater")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("poster: never", "poster: must be a time (seconds, or such as 1:02:03.5), 'auto' or 'off', not 'never'"),
        ("poster: [1]", "poster: must be a time (seconds, or such as 1:02:03.5), 'auto' or 'off', not [1]"),
        ("from: soon", "from: must be a time: seconds, or such as 1:02:03.5, not 'soon'"),
        ("subtitles: [{fil: a.srt}]", "there is no setting 'fil' (did you mean 'file'?)"),
        (
            "subtitles: [{file: a.srt, role: x}]",
            "subtitles[0].role: should be 'main', 'forced', 'sdh' or 'commentary', not 'x'",
        ),
        ("subtitles: {file: a.srt}", "subtitles: should be 'auto' or 'off'"),
        (
            "subtitles: a.srt",
            "subtitles: 'a.srt' should be LANGUAGE:FILE, such as en:film.srt, en.forced:signs.srt or "
            "en.sdh:film.cc.vtt",
        ),
        (
            "burn-in: ''",
            "burn_in: '' should be the number of a subtitle stream, as `probe` shows it, or a language, such as "
            "3, en or en.forced; of teletext with a page, such as 3:888",
        ),
    ],
)
def test_of_two_readings_the_message_is_about_the_one_that_was_meant(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "streamify.yaml").write_text(text)
    with pytest.raises(UsageError) as caught:
        settings_io.effective({}, {}, None)
    said = str(caught.value).partition(" (docs/")[0]
    assert said == f"streamify.yaml: {message}"


def test_no_preview() -> None:
    assert [settings_io.effective({"preview": given}, {}, None).settings.preview for given in ("0", "off")] == [
        None
    ] * 2


def test_printed_settings_are_a_file_that_gives_the_same_settings(tmp_path: Path) -> None:
    flags = {"segment_seconds": "24/5", "crf": "21.5", "replace": True, "ladder": "ladder.yaml"}
    (tmp_path / "ladder.yaml").write_text("- {name: 300p, short_side: 300, maxrate: 500000, crf: 20}")
    first = settings_io.effective(flags, {}, None)
    (tmp_path / "again.yaml").write_text(first.to_yaml())
    assert settings_io.effective({}, {}, Path("again.yaml")).settings == first.settings
    assert "crf: 21.5  # --crf" in first.to_yaml()
    assert json.loads(first.to_json())["origins"]["preset"] == "default"
    assert yaml.safe_load(settings_io.effective({}, {}, None).to_yaml())["segment_seconds"] == 6


@pytest.mark.parametrize(
    ("given", "thumbnails", "poster"),
    [("off", 0, "off"), ("0", 0, 0), ("2.5", Fraction(5, 2), Fraction(5, 2)), ("7", 7, 7)],
)
def test_images_as_text(given: str, thumbnails: object, poster: object) -> None:
    found = settings_io.effective({"thumbnails": given, "poster": given}, {}, None).settings
    assert (found.thumbnails, found.poster) == (thumbnails, poster)


@pytest.mark.parametrize(
    ("key", "given"),
    [("thumbnails", "-1"), ("thumbnails", "0.09"), ("poster", "-1"), ("poster", "best"), ("poster", "nan")],
)
def test_images_that_cannot_be(key: str, given: str) -> None:
    with pytest.raises(UsageError, match=f"--{key}"):
        settings_io.effective({key: given}, {}, None)


def test_the_published_schema_is_that_of_the_model() -> None:
    page = ROOT / "docs" / "reference" / "settings.schema.json"
    assert_same(page.read_text(), settings_io.schema(), f"write it: streamify plan --print-schema > {page}")


@pytest.mark.parametrize(("model", "heading"), [(Settings, "| key | default |"), (Rung, "| key of a rung |")])
def test_the_settings_page_shows_every_field_with_its_default(model: type[BaseModel], heading: str) -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    table = page[page.index(heading) :].partition("\n\n")[0]
    rows = [
        f"| `{field.alias or name}` | {_default(field)} | {_described(field)} |"
        for name, field in model.model_fields.items()
    ]
    assert_same("\n".join(table.splitlines()[2:]), "\n".join(rows), "settings.md should show the fields")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return "-" if field.default is None else f"`{field.default}`"


def _described(field: FieldInfo) -> str:
    return " ".join((field.description or "").replace("``", "`").split())


_OFF = [field.alias or name for name, field in Settings.model_fields.items() if "off``" in (field.description or "")]


@pytest.mark.parametrize("key", _OFF)
def test_off_is_written_in_a_file_as_on_the_command_line(tmp_path: Path, key: str) -> None:
    """Without quotes YAML reads it as false."""
    (tmp_path / "streamify.yaml").write_text(f"{key}: off\n")
    written = settings_io.effective({}, {}, tmp_path / "streamify.yaml").settings
    assert written == settings_io.effective({key: "off"}, {}, None).settings


@pytest.mark.parametrize("text", ["workers: true", "crf: yes", "segment-seconds: on", "audio-bitrate: false"])
def test_a_switch_is_no_number(tmp_path: Path, text: str) -> None:
    (tmp_path / "streamify.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"streamify.yaml: .*switch") as caught:
        settings_io.effective({}, {}, None)
    assert caught.value.code == "bad-setting"


def test_a_settings_file_that_is_a_folder_is_not_overlooked(tmp_path: Path) -> None:
    (tmp_path / "streamify.yaml").mkdir()
    with pytest.raises(UsageError, match="Is a directory"):
        settings_io.effective({}, {}, None)


@pytest.mark.parametrize("what", [b"a.mp4", None, 5])
def test_a_location_that_is_no_path_is_named(what: object) -> None:
    with pytest.raises(UsageError, match=r"SOURCE is a .*, not a path") as caught:
        streamify.probe(what)  # type: ignore[arg-type]
    assert caught.value.code == "location-type"


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("128k", 128_000), ("128K", 128_000), ("0.2M", 200_000), ("128000", 128_000), (128_000, 128_000),
        (128e3, 128_000),
        (" 96.5 kbit/s ", 96_500), ("64kbps", 64_000),
    ],
)  # fmt: skip
def test_a_rate_is_read_the_same_from_everywhere(text: Any, bits: int, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(yaml.safe_dump({"audio_bitrate": text}))
    found = [
        settings_io.effective({"audio_bitrate": text}, {}, None),
        settings_io.effective({}, {"STREAMIFY_AUDIO_BITRATE": str(text)}, None),
        settings_io.effective({}, {}, tmp_path / "s.yaml"),
    ]
    assert {one.settings.audio_bitrate for one in found} == {bits}
    assert settings_io.from_arguments({"audio_bitrate": text}).audio_bitrate == bits
    rung = {"name": "1080p", "short_side": 1080, "maxrate": text, "bufsize": text}
    ladder = settings_io.from_arguments({"ladder": [rung]}).ladder
    assert isinstance(ladder[0], Rung)
    assert (ladder[0].maxrate, ladder[0].bufsize) == (bits, bits)


@pytest.mark.parametrize(
    "text", ["128.5", "1.0001k", "abc", "-5k", "128 k b", "1e5", "k", "\u0661k", 128_000.5, True, [1]]
)
def test_what_is_no_rate_is_refused(text: Any) -> None:
    with pytest.raises(UsageError, match="audio_bitrate"):
        settings_io.from_arguments({"audio_bitrate": text})


def test_the_schema_of_a_rate_keeps_its_bounds() -> None:
    number, text = json.loads(settings_io.schema())["properties"]["audio_bitrate"]["anyOf"]
    assert (number["minimum"], number["maximum"]) == (32_000, 320_000)
    assert [bool(re.search(text["pattern"], one)) for one in ("128k", "5M", "1.5M", "x", "5 M b")] == [
        True, True, True, False, False
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["off", "'off'", "false", "no"])
def test_off_is_a_value_also_where_yaml_reads_a_switch(tmp_path: Path, text: str) -> None:
    file = tmp_path / "streamify.yaml"
    file.write_text(f"surround: {text}\nloudness: {text}\n")
    found = settings_io.effective({}, {}, file)
    assert (found.settings.surround, found.settings.loudness) == ("off", None)
    file.write_text(found.to_yaml())
    assert settings_io.effective({}, {}, file).settings == found.settings


@pytest.mark.parametrize(("given", "loudness"), [("-16", -16), ("-23.5", -23.5), ("off", None)])
def test_loudness_as_text(given: str, loudness: float | None) -> None:
    assert settings_io.effective({"loudness": given}, {}, None).settings.loudness == loudness


@pytest.mark.parametrize("given", ["0", "-41", "loud", "nan", "true"])
def test_loudness_that_is_none(given: str) -> None:
    with pytest.raises(UsageError):
        settings_io.effective({"loudness": given}, {}, None)
