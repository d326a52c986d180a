"""Languages: what containers hold (ISO 639) as what manifests must hold (BCP 47), and what speakers call them. Pure."""
# ruff: noqa: RUF001 - names of languages in their own letters

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,6}")
_NONE = frozenset({"und", "zxx", "mis", "mul", "unk"})

# From CLDR 48, with capitals as at the start of a line. `language_data`, which langcodes takes its names from, has
# 13 MB and a C extension.
_TABLE = """
ab=Аԥсшәа af=Afrikaans agq=Aghem ak=Akan am=አማርኛ an=Aragonés ang=Ænglisc ann=Obolo ar=العربية arn=Mapudungun
as=অসমীয়া asa=Kipare ast=Asturianu az=Azərbaycanca ba=Башҡорт_теле bal=بلۆچی bas=Ɓàsàa be=Беларуская
bem=Ichibemba bez=Hibena bg=Български bgc=हरियाणवी bho=भोजपुरी blo=Anii_kagɩja bm=Bamanakan bn=বাংলা bo=བོད་སྐད་
br=Brezhoneg brx=बर’ bs=Bosanski bss=Akoose ca=Català cch=Atsam ce=Нохчийн ceb=Cebuano cgg=Rukiga cho=Chahta
chr=ᏣᎳᎩ cic=Chikashshanompaʼ ckb=کوردیی_ناوەندی cmn=普通话 cnr=Crnogorski co=Corsu cs=Čeština cv=Чӑваш cy=Cymraeg
da=Dansk dav=Kitaita de=Deutsch dje=Zarmaciine doi=डोगरी dsb=Dolnoserbšćina dua=Duálá dyo=Joola dz=རྫོང་ཁ
ebu=Kĩembu ee=Eʋegbe el=Ελληνικά en=English eo=Esperanto es=Español et=Eesti eu=Euskara ewo=Ewondo fa=فارسی
ff=Fulfulde fi=Suomi fil=Filipino fo=Føroyskt fr=Français frr=Nordfriisk fur=Furlan fy=Frysk ga=Gaeilge gaa=Gã
gd=Gàidhlig gl=Galego gn=Avañe’ẽ gsw=Schwiizertüütsch gu=ગુજરાતી guz=Ekegusii gv=Gaelg ha=Hausa
haw=ʻŌlelo_Hawaiʻi he=עברית hi=हिन्दी hil=Ilonggo hr=Hrvatski hsb=Hornjoserbšćina ht=Kreyòl_Ayisyen hu=Magyar
hy=Հայերեն ia=Interlingua id=Bahasa_Indonesia ie=Interlingue ig=Igbo ii=ꆈꌠꉙ ilo=Ilokano io=Ido is=Íslenska
it=Italiano ja=日本語 jgo=Ndaꞌa jmc=Kimachame jv=Basa_Jawa ka=ქართული kaa=Қарақалпақша kab=Taqbaylit kaj=Kaje
kam=Kikamba kcg=Katab kcm=Kristang kde=Chimakonde kea=Kabuverdianu ken=Kɛnyaŋ kgp=Kanhgág khq=Koyra_ciini
ki=Gikuyu kk=Қазақ_тілі kkj=Kakɔ kl=Kalaallisut kln=Kalenjin km=ខ្មែរ kn=ಕನ್ನಡ ko=한국어 kok=कोंकणी kpe=Kpɛlɛɛ
ks=کٲشُر ksb=Kishambaa ksf=Rikpa ksh=Kölsch ku=Kurdî kw=Kernewek kxv=Kuvi ky=Кыргызча la=Latina lag=Kɨlaangi
lah=لہندا_پنجابی lb=Lëtzebuergesch lg=Luganda lij=Ligure lkt=Lakȟólʼiyapi lld=Ladin lmo=Lombard ln=Lingála
lo=ລາວ lt=Lietuvių lu=Tshiluba luo=Dholuo luy=Luluhia lv=Latviešu mai=मैथिली mas=Maa mdf=Мокшень_кяль mer=Kĩmĩrũ
mfe=Kreol_morisien mg=Malagasy mgh=Makua mgo=Metaʼ mi=Māori mic=Lʼnuiʼsuti mk=Македонски ml=മലയാളം mn=Монгол
mni=মৈতৈলোন্ mo=Română moh=Kanienʼkéha mr=मराठी ms=Bahasa_Melayu mt=Malti mua=MUNDAŊ mus=Mvskoke my=မြန်မာ
myv=Эрзянь_кель mzn=مازرونی nah=Nāhuatl naq=Khoekhoegowab nb=Norsk_bokmål nd=isiNdebele nds=Neddersass’sch
ne=नेपाली nl=Nederlands nn=Norsk_nynorsk nnh=Shwóŋò_ngiembɔɔn no=Norsk nqo=ߒߞߏ nso=Sesotho_sa_Leboa
nus=Thok_Nath nv=Diné_Bizaad ny=Chichewa nyn=Runyankore oc=Occitan om=Oromoo or=ଓଡ଼ିଆ os=Ирон pa=ਪੰਜਾਬੀ
pap=Papiamentu pcm=Naijíriá_Píjin pis=Pijin pl=Polski prg=Prūsiskan ps=پښتو pt=Português qu=Runasimi quc=Kʼicheʼ
raj=राजस्थानी rif=Tarifit rm=Rumantsch rn=Ikirundi ro=Română rof=Kihorombo ru=Русский rup=Armãneashti
rw=Ikinyarwanda rwk=Kiruwa sa=संस्कृतम् sah=Саха_тыла saq=Kisampur sat=ᱥᱟᱱᱛᱟᱲᱤ sbp=Ishisangu sc=Sardu
scn=Sicilianu sd=سنڌي sdh=کوردی_خوارگ se=Davvisámegiella seh=Sena ses=Koyraboro_senni sg=Sängö shi=ⵜⴰⵛⵍⵃⵉⵜ
shn=တႆး si=සිංහල sk=Slovenčina skr=سرائیکی sl=Slovenščina sma=Åarjelsaemien_gïele smj=Julevsámegiella
smn=Anarâškielâ sms=Sääʹmǩiõll sn=chiShona so=Soomaali sq=Shqip sr=Српски ss=siSwati ssy=Saho st=Sesotho
su=Basa_Sunda sv=Svenska sw=Kiswahili syr=ܣܘܪܝܝܐ szl=Ślōnski ta=தமிழ் te=తెలుగు teo=Kiteso tg=Тоҷикӣ th=ไทย
ti=ትግርኛ tk=Türkmen_dili tl=Filipino tn=Setswana to=Lea_fakatonga tok=Toki_pona tpi=Tok_Pisin tr=Türkçe
trv=Patas_Taroko trw=توروالی tt=Татарча twq=Tasawaq_senni tzm=Tamaziɣt_n_laṭlaṣ ug=ئۇيغۇرچە uk=Українська
ur=اردو uz=O‘zbek vai=ꕙꔤ ve=tshiVenḓa vec=Veneto vi=Tiếng_Việt vmw=Emakhuwa vo=Volapük vun=Kyivunjo wa=Walon
wae=Walser wbp=Warlpiri wo=Wolof xh=isiXhosa xnr=कांगड़ी xog=Olusoga yav=Nuasue yi=ייִדיש yo=Èdè_Yorùbá
yrl=Nheẽgatu yue=粵語 za=Vahcuengh zgh=ⵜⴰⵎⴰⵣⵉⵖⵜ zh=中文 zu=isiZulu
"""
_NAMES: Final = MappingProxyType(dict(pair.replace("_", " ").split("=") for pair in _TABLE.split()))


def bcp47(code: str | None) -> str | None:
    """Return the BCP 47 tag of a container's language code; ``None`` where it names no language.

    Untrusted text that is no tag at all counts as none.
    """
    text = (code or "").strip()
    if not _TAG.fullmatch(text):
        return None
    from langcodes import Language  # 0.05 s, which --help and drivers do without

    try:
        language = Language.get(text)
    except ValueError:
        return None
    primary = language.language
    if primary is None or primary in _NONE or ("qaa" <= primary <= "qtz" and len(primary) == 3):
        return None
    return language.to_tag()


def iso_639_2(tag: str) -> str:
    """Return the three letters of a BCP 47 tag's language (ISO 639-2/B); ``und`` where there are none."""
    from langcodes import Language

    try:
        return Language.get(tag).to_alpha3(variant="B")
    except LookupError:
        return "und"


def is_language(code: str) -> bool:
    """Return whether a code is a language tag whose parts are all registered (BCP 47)."""
    from langcodes import Language

    try:
        return Language.get(code).is_valid()
    except ValueError:
        return False


def autonym(tag: str) -> str:
    """Return a language's name in that language, with what else its tag says; the tag where we know no name."""
    primary, _, rest = tag.partition("-")
    name = _NAMES.get(primary)
    if name is None:
        return tag
    return f"{name} ({rest})" if rest else name
