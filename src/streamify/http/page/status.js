// What the page says of the player, from what the media element and our player report. Pure.

// found: {error, broken (the media element itself has failed), retrying, ended, paused, seeking, readyState, started}; readyState as in HTMLMediaElement.
export function describe(found) {
  if (found.error) {
    const goes = !found.broken && !found.paused && !found.ended && found.readyState >= 3; // from what is loaded
    return goes ? `Playing what is loaded, then it stops: ${found.error}` : `Does not play: ${found.error}`;
  }
  if (found.ended) return found.started ? "Ended" : "Ready"; // one frame is at its end before it is played
  const moving = !found.paused;
  const enough = found.readyState >= (moving ? 3 : 2);
  if (!enough || found.seeking) {
    if (found.retrying) return `Waiting: ${found.retrying}`;
    if (!found.started) return "Loading";
    return found.seeking ? "Seeking" : "Buffering";
  }
  if (moving) return "Playing";
  return found.started ? "Paused" : "Ready";
}

// Why a media element failed, from its MediaError or null. Firefox names its own function where it cannot open a sound device.
export function reason(error) {
  const message = error?.message || "the browser gives no reason";
  if (!message.includes("OnMediaSinkAudioError")) return message;
  return "the browser cannot play sound here: connect or switch on a sound device, then load this page again";
}
