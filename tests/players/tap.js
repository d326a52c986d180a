// Hands all samples that the media element plays to the page, with the clock of the audio context.
class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.part = new Float32Array(4096);
    this.fill = 0;
    this.start = 0;
  }

  process(inputs, outputs) {
    const input = inputs[0];
    outputs[0].forEach((channel, index) => input[index] && channel.set(input[index]));
    if (this.fill === 0) this.start = currentFrame;
    this.part.set(input[0] ?? new Float32Array(128), this.fill);
    this.fill += 128;
    if (this.fill === this.part.length) {
      this.port.postMessage({ start: this.start, samples: this.part });
      this.part = new Float32Array(4096);
      this.fill = 0;
    }
    return true;
  }
}
registerProcessor("tap", Tap);
