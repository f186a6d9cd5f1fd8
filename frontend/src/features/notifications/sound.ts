/** Two notes up, like a small bird. Made here: nothing to fetch, and nothing that a policy could forbid. */
const NOTES = [
  { hertz: 2100, at: 0, seconds: 0.07 },
  { hertz: 2800, at: 0.09, seconds: 0.1 },
];
const LOUDNESS = 0.05;

/** What arrives all at once, after a gap say, is one chirp. */
const APART_MS = 2000;

let last = -Infinity;
let context: AudioContext | null = null;

/** Silent where the browser does not let a page make sounds before somebody has touched it. */
export function chirp(): void {
  if (typeof AudioContext === "undefined") return;
  if (performance.now() - last < APART_MS) return;
  last = performance.now();
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume().catch(() => undefined);
  for (const { hertz, at, seconds } of NOTES) {
    const start = context.currentTime + at;
    const tone = new OscillatorNode(context, { type: "sine", frequency: hertz });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(LOUDNESS, start + 0.01);
    gain.gain.exponentialRampToValueAtTime(0.0001, start + seconds);
    tone.connect(gain).connect(context.destination);
    tone.start(start);
    tone.stop(start + seconds);
  }
}
