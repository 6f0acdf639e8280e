// Who is signed in: authorization code with PKCE, tokens in this page's memory alone. A reload asks again.

import { base64 } from "./core";

const CLIENT = "org.hmsach.staff-page";
/** Survives the way to the sign-in page and back, nothing else does: a code without its verifier is worth nothing. */
const KEPT = "hms-sign-in";
/** A token is renewed so long before it ends. */
const BEFORE_MS = 60_000;

/** The server could not be reached, or answered with this status. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly body: unknown = null,
  ) {
    super(status === 0 ? "no answer" : `status ${status}`);
  }
}

/** As `GET /api/session` tells it. */
export type Who = { user: string; role: string; name: string; fhir: string; site: string | null };

type Tokens = { access: string; refresh: string; until: number };

const url64 = (bytes: Uint8Array) => base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const random = () => url64(crypto.getRandomValues(new Uint8Array(32)));
const redirect = () => `${location.origin}/staff`;

export class Session {
  private tokens: Tokens | null = null;
  private renewing: Promise<void> | null = null;
  /** Calls back when the sign-in is over. */
  onEnded: () => void = () => {};

  get signedIn(): boolean {
    return this.tokens !== null;
  }

  /** Goes to the sign-in page. */
  async begin(language: string): Promise<void> {
    const [verifier, state] = [random(), random()];
    sessionStorage.setItem(KEPT, JSON.stringify({ verifier, state }));
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
    const asked = new URLSearchParams({
      response_type: "code", client_id: CLIENT, redirect_uri: redirect(), scope: "openid", state,
      code_challenge: url64(new Uint8Array(hash)), code_challenge_method: "S256", ui_locales: language,
    });
    location.assign(`/oauth/authorize?${asked}`);
  }

  /** Takes up what the sign-in page sent back, if this is the way back. */
  async finish(): Promise<void> {
    const back = new URLSearchParams(location.search);
    const kept = sessionStorage.getItem(KEPT);
    sessionStorage.removeItem(KEPT);
    const code = back.get("code");
    if (location.search) history.replaceState(null, "", location.pathname + location.hash);
    if (!code || !kept) return;
    const { verifier, state } = JSON.parse(kept) as { verifier: string; state: string };
    // Somebody else's way back: it was not this page that asked.
    if (back.get("state") !== state) return;
    await this.take({ grant_type: "authorization_code", code, redirect_uri: redirect(), code_verifier: verifier });
  }

  /** Ends the sign-in, at the server too. */
  async end(): Promise<void> {
    const token = this.tokens?.refresh;
    this.tokens = null;
    if (token) await fetch("/oauth/revoke", { method: "POST", body: new URLSearchParams({ token }), keepalive: true }).catch(() => {});
    this.onEnded();
  }

  /** A token that is good for a while. */
  async token(): Promise<string> {
    if (this.tokens && this.tokens.until - BEFORE_MS < Date.now()) await this.renew();
    if (!this.tokens) throw new Refused(401);
    return this.tokens.access;
  }

  /** Asks the server; answers of 400 and above are thrown. */
  async fetch(path: string, init: RequestInit = {}, again = true): Promise<Response> {
    const token = await this.token();
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${token}`);
    const answer = await fetch(path, { ...init, headers, cache: "no-store" }).catch(() => {
      throw new Refused(0);
    });
    // Once: a server that refuses a fresh token refuses the next one, too.
    if (answer.status === 401 && again) {
      if (this.tokens?.access === token) await this.renew();
      return this.fetch(path, init, false);
    }
    if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => null));
    return answer;
  }

  async json<T>(path: string, init?: RequestInit): Promise<T> {
    return (await this.fetch(path, init)).json() as Promise<T>;
  }

  /** Once, however many ask. Where the server says no the sign-in is over; where it does not answer, it is not. */
  private renew(): Promise<void> {
    const token = this.tokens?.refresh;
    if (!token) return Promise.reject(new Refused(401));
    this.renewing ??= this.take({ grant_type: "refresh_token", refresh_token: token })
      .catch((why: unknown) => {
        // "Too many", "too slow" and the like are said of this moment, not of the sign-in.
        if (why instanceof Refused && (why.status === 400 || why.status === 401)) {
          this.tokens = null;
          this.onEnded();
        }
        throw why;
      })
      .finally(() => (this.renewing = null));
    return this.renewing;
  }

  private async take(form: Record<string, string>): Promise<void> {
    const answer = await fetch("/oauth/token", { method: "POST", body: new URLSearchParams({ client_id: CLIENT, ...form }) }).catch(() => {
      throw new Refused(0);
    });
    if (!answer.ok) throw new Refused(answer.status);
    const told = (await answer.json()) as { access_token: string; refresh_token: string; expires_in: number };
    this.tokens = { access: told.access_token, refresh: told.refresh_token, until: Date.now() + told.expires_in * 1000 };
  }
}
