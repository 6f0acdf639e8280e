// The core, as WebAssembly: the same code as in the app decides what a call does and what a queue shows (crates/browser).

import type { VisitView } from "../bindings";

/** One step of what the page's engine sends. */
export type Rung = [name: string, settings: { audio_bps: number; audio_packet_ms: number; video_bps: number; max_fps: number; max_width: number; still_every_ms: number }];

/** A relay, with credentials for one visit. */
export type Turn = { url: string; username: string; credential: string };

/** What only the page can do. */
export type Effect =
  | { do: "start_offer"; turn: Turn[] }
  | { do: "start_answer"; turn: Turn[]; offer: string }
  | { do: "take_answer"; sdp: string }
  | { do: "take_offer"; sdp: string }
  | { do: "restart" | "stop" }
  | { do: "mute" | "camera" | "ring"; on: boolean };

/** A still picture of the far side, in base64. */
export type Came = { sharp: boolean; number: number; bytes: string };

/** All that followed from one question about the call. */
export type Told = {
  frames: unknown[];
  effects: Effect[];
  data: string[];
  pictures: Came[];
  changed: boolean;
  live: boolean;
  said: number;
  at: number | null;
  rung: Rung | null;
  picture: boolean;
  view: VisitView;
  phone: boolean;
};

type Door = {
  memory: WebAssembly.Memory;
  room: (length: number) => number;
  ask: () => bigint;
};

/** Questions and answers as JSON. */
export class Core {
  private readonly write = new TextEncoder();
  private readonly read = new TextDecoder();

  private constructor(private readonly door: Door) {}

  /** From the program's bytes. */
  static async of(bytes: BufferSource): Promise<Core> {
    const { instance } = await WebAssembly.instantiate(bytes);
    return new Core(instance.exports as unknown as Door);
  }

  /** The answer to a question; throws where the core does not know it, which is a fault of the page. */
  ask<T>(question: { ask: string } & Record<string, unknown>): T {
    const bytes = this.write.encode(JSON.stringify(question));
    const at = this.door.room(bytes.length);
    // The memory may have grown, and is another buffer then: it is looked up each time.
    new Uint8Array(this.door.memory.buffer, at, bytes.length).set(bytes);
    const answer = this.door.ask();
    const place = Number(answer >> 32n);
    const length = Number(answer & 0xffff_ffffn);
    const told = JSON.parse(this.read.decode(new Uint8Array(this.door.memory.buffer, place, length))) as T & { error?: string };
    if (told && typeof told === "object" && "error" in told) throw new Error(`the core: ${told.error}`);
    return told;
  }
}

/** Bytes as base64. */
export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/** And back. */
export const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
