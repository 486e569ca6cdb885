// Plays a version: a video with its frames, or a still.

import { element } from "../dom.js";
import { iconButton } from "../parts/chips.js";
import { icon } from "../icons.js";
import { isTyping } from "../parts/roving.js";
import { patch } from "../patch.js";

const DEFAULT_RATE = 25;
/** How many frames Shift and an arrow key go. */
const LEAP = 10;

export class Player {
  /** `media` is `{url, isVideo, frameRate, frameIn, name}`; `onFrame` is called with the frame that is shown. */
  constructor(media, onFrame = () => {}) {
    this.media = media;
    this.onFrame = onFrame;
    this.rate = media.frameRate > 0 ? media.frameRate : DEFAULT_RATE;
    this.first = media.frameIn ?? 0;
    this.root = element("div", {
      class: "player", role: "group", "aria-label": `Player: ${media.name}`, tabindex: "0",
      keydown: (event) => this.pressed(event) && event.preventDefault(),
    });
    this.root.append(media.isVideo ? this.#film() : this.#still());
    if (media.isVideo) {
      this.root.append(this.#controls());
    }
  }

  /** The frame that is shown, or `null` for a still. */
  get frame() {
    return this.media.isVideo ? this.first + this.#index() : null;
  }

  /** Goes to a frame, as it is numbered in the film. */
  goTo(frame) {
    this.#seek(frame - this.first);
    this.root.focus();
  }

  #still() {
    return element("img", { src: this.media.url, alt: this.media.name, error: () => this.#failed() });
  }

  #film() {
    this.video = element("video", {
      src: this.media.url, preload: "auto", playsinline: true, tabindex: "-1",
      click: () => this.#toggle(),
      loadedmetadata: () => this.#metadata(),
      timeupdate: () => this.#tell(),
      seeked: () => this.#tell(),
      play: () => this.#follow(),
      pause: () => this.#tell(),
      ended: () => this.#tell(),
      error: () => this.#failed(),
    });
    return this.video;
  }

  #controls() {
    this.scrub = element("input", {
      type: "range", class: "scrub", min: "0", max: "0", step: "1", value: "0", "aria-label": "Frame",
      input: () => this.#seek(Number(this.scrub.value)),
    });
    this.playButton = iconButton("play", "Play", () => this.#toggle());
    this.loopButton = iconButton("loop", "Repeat", () => this.#loop(), { "aria-pressed": "false" });
    this.soundButton = iconButton("sound", "Mute", () => this.#sound());
    this.counter = element("output", { class: "counter", title: "Frame" });
    this.clock = element("output", { class: "clock", title: "Time" });
    return element("div", { class: "controls" },
      this.playButton,
      iconButton("back", "Back by a frame", () => this.#step(-1)),
      iconButton("forward", "Forward by a frame", () => this.#step(1)),
      this.scrub, this.counter, this.clock, this.loopButton, this.soundButton,
      iconButton("full", "Full screen", () => this.#fullScreen()));
  }

  /** Does what a key stands for and returns whether it stands for anything. */
  pressed(event) {
    if (!this.media.isVideo || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) {
      return false;
    }
    const isButton = event.target.closest("button") !== null;
    const keys = {
      " ": () => this.#toggle(),
      k: () => this.#toggle(),
      ArrowLeft: () => this.#step(event.shiftKey ? -LEAP : -1),
      ArrowRight: () => this.#step(event.shiftKey ? LEAP : 1),
      Home: () => this.#seek(0),
      End: () => this.#seek(this.#count() - 1),
      l: () => this.#loop(),
      m: () => this.#sound(),
      f: () => this.#fullScreen(),
    };
    if (!Object.hasOwn(keys, event.key) || (event.key === " " && isButton)) {
      return false;
    }
    keys[event.key]();
    return true;
  }

  #count() {
    return Math.max(1, Math.round((this.video?.duration || 0) * this.rate));
  }

  #index() {
    // A frame lasts from its time to the next one's; a little later is still the same frame.
    return Math.min(Math.floor((this.video?.currentTime ?? 0) * this.rate + 0.01), this.#count() - 1);
  }

  /** Shows a frame, counted from 0: the middle of it, so that rounding does not come to its neighbour. */
  #seek(index) {
    const at = Math.max(0, Math.min(index, this.#count() - 1));
    this.video.currentTime = (at + 0.5) / this.rate;
    this.#tell(at);
  }

  #step(frames) {
    this.video.pause();
    this.#seek(this.#index() + frames);
  }

  #toggle() {
    if (this.video.paused) {
      this.video.play().catch(() => this.#tell());
    } else {
      this.video.pause();
    }
  }

  #loop() {
    this.video.loop = !this.video.loop;
    this.loopButton.setAttribute("aria-pressed", String(this.video.loop));
  }

  #sound() {
    this.video.muted = !this.video.muted;
    this.#show(this.soundButton, this.video.muted ? "muted" : "sound", this.video.muted ? "Sound on" : "Mute");
  }

  #fullScreen() {
    if (document.fullscreenElement) {
      document.exitFullscreen();
    } else {
      this.root.requestFullscreen();
    }
  }

  #metadata() {
    this.scrub.max = String(this.#count() - 1);
    this.#tell();
  }

  /** Follows the film, frame by frame, as long as it plays. */
  #follow() {
    this.#tell();
    if (!this.video.paused && this.root.isConnected) {
      requestAnimationFrame(() => this.#follow());
    }
  }

  #tell(index = this.#index()) {
    const isPlaying = !this.video.paused && !this.video.ended;
    this.#show(this.playButton, isPlaying ? "pause" : "play", isPlaying ? "Pause" : "Play");
    const frame = `${this.first + index} / ${this.first + this.#count() - 1}`;
    if (this.counter.value !== frame) {
      this.counter.value = frame;
      this.scrub.value = String(index);
      this.scrub.setAttribute("aria-valuetext", `frame ${this.first + index}`);
      this.onFrame(this.first + index);
    }
    this.clock.value = `${clockText(this.video.currentTime)} / ${clockText(this.video.duration || 0)}`;
  }

  #show(button, sign, name) {
    if (button.title !== name) {
      patch(button, [icon(sign)]);
      button.title = name;
      button.setAttribute("aria-label", name);
    }
  }

  #failed() {
    this.root.replaceChildren(element("p", { class: "empty" }, "This browser cannot show the file. It can be downloaded below."));
  }
}

/** `1:02.5` */
function clockText(seconds) {
  const tenths = Math.floor(seconds * 10);
  return `${Math.floor(tenths / 600)}:${String(Math.floor((tenths % 600) / 10)).padStart(2, "0")}.${tenths % 10}`;
}
