// Queue and chart from the server's FHIR records; which searches, and what they show, the core says.

import type { AttachmentBytes, ChartView, QueueItemView, QueueView } from "../bindings";
import type { Core } from "./core";
import { Refused, type Session } from "./session";

type Resource = Record<string, unknown> & { resourceType: string; id: string; meta?: { versionId?: string } };
type Found = { entry?: { resource: Resource }[]; link?: { relation: string; url: string }[] };
/** What a command answers where it cannot do what it was asked. */
export class Failed extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

const FHIR = "application/fhir+json";
/** A list that is older than this is said to be. */
const STALE_MS = 45_000;
/** Hints tell when there is something new; a list of this age is read again all the same, should one have been lost. */
const READ_AGAIN_MS = 30_000;

export class Pages {
  /** When the list was read last, and the list. */
  private read: { at: number; items: QueueItemView[] } | null = null;
  private entries = new Map<string, Resource>();
  private told = new Set<string>();
  private hinted = true;
  private failed = false;
  private reading: Promise<void> | null = null;
  /** Whose chart was read last; without a phone where nobody has said whose it is. */
  private person: { task: string; name: string; phone: string | null | undefined } | null = null;

  constructor(
    private readonly core: Core,
    private readonly session: Session,
    /** Practitioner id of who is signed in. */
    private readonly me: string,
    private readonly name: string,
  ) {}

  /** Something changed at the server. */
  hint(): void {
    this.hinted = true;
  }

  /** The queue as it is now, or, where the server does not answer, as it was. */
  async queue(): Promise<QueueView> {
    const old = !this.read || Date.now() - this.read.at > READ_AGAIN_MS;
    if (this.hinted || old) await (this.reading ??= this.readQueue().finally(() => (this.reading = null)));
    return this.shown();
  }

  private async readQueue(): Promise<void> {
    this.hinted = false;
    try {
      const needs = this.core.ask<string[]>({ ask: "queue_needs" });
      const found = await this.search(needs);
      const checks = await this.search(this.core.ask<string[]>({ ask: "checks_needs", records: found }));
      const signals = await this.session.json<unknown[]>("/api/queue/signals");
      const records = distinct([...found, ...checks]);
      this.entries = new Map(records.filter((r) => r.resourceType === "Task").map((r) => [r.id, r]));
      const items = this.core.ask<QueueItemView[]>({ ask: "queue", records, me: this.me, signals, now: Date.now() });
      this.read = { at: Date.now(), items };
      this.failed = false;
    } catch (why) {
      this.hinted = this.failed = true;
      if (!(why instanceof Refused) || why.status === 401 || why.status === 403) throw why;
    }
  }

  /** The list that is known. */
  shown(): QueueView {
    const { read } = this;
    return { items: read?.items ?? [], as_of: read?.at ?? null, stale: !read || this.failed || Date.now() - read.at > STALE_MS };
  }

  /** The chart of an entry, read anew. */
  async chart(task: string): Promise<ChartView> {
    const entry = await this.entry(task);
    const needs = this.core.ask<string[]>({ ask: "chart_needs", entry });
    const records = distinct([entry, ...(await this.batch(needs))]);
    const view = this.core.ask<ChartView | null>({ ask: "chart", task, records, now: Date.now() });
    if (!view) throw new Failed("not_found");
    this.person = { task, name: view.name, phone: view.patient === null ? undefined : view.phone };
    this.tellRead(view.report?.id);
    return view;
  }

  /** Whom a call about an entry rings, and by which number they are reached else; nobody where that is not known yet. */
  async callee(task: string): Promise<{ name: string; phone: string | null }> {
    if (this.person?.task !== task) await this.chart(task);
    if (!this.person || this.person.phone === undefined) throw new Failed("not_allowed");
    return { name: this.person.name, phone: this.person.phone };
  }

  /** Takes an entry; only one person can. */
  claim = (task: string) => this.change(task, (entry) => this.core.ask({ ask: "claim", entry, me: this.me, name: this.name }));

  /** Gives it back. */
  release = (task: string) => this.change(task, (entry) => this.core.ask({ ask: "release", entry, me: this.me }));

  /** Says whose a report is that names a person only in words. */
  async identify(task: string, number: string, name: string): Promise<ChartView> {
    const focus = (this.entries.get(task)?.["focus"] as { reference?: string } | undefined)?.reference ?? "";
    const report = focus.replace("QuestionnaireResponse/", "");
    const body = JSON.stringify({ number, name });
    await this.session
      .fetch(`/api/reports/${encodeURIComponent(report)}/person`, { method: "POST", headers: { "content-type": "application/json" }, body })
      .catch((why: unknown) => {
        throw why instanceof Refused && why.status === 422 ? new Failed("not_found") : why;
      });
    return this.chart(task);
  }

  /** A photo or recording. */
  async attachment(id: string): Promise<AttachmentBytes> {
    const document = await this.session.json<{ content?: { attachment?: { url?: string; contentType?: string } }[] }>(`/fhir/DocumentReference/${encodeURIComponent(id)}`);
    const binary = /Binary\/[A-Za-z0-9.-]{1,64}$/.exec(document.content?.[0]?.attachment?.url ?? "")?.[0];
    if (!binary) throw new Failed("not_found");
    const file = await this.session.json<{ contentType: string; data: string }>(`/fhir/${binary}`, { headers: { accept: FHIR } });
    return { content_type: file.contentType, base64: file.data };
  }

  private async entry(task: string): Promise<Resource> {
    return this.session.json<Resource>(`/fhir/Task/${encodeURIComponent(task)}`);
  }

  /** Changes an entry against the version that the server has; where somebody was faster it is judged once more. */
  private async change(task: string, change: (entry: Resource) => Resource | null): Promise<QueueView> {
    for (const last of [false, true]) {
      const entry = await this.entry(task);
      const wish = change(entry);
      if (!wish) break;
      const headers = { "content-type": FHIR, "if-match": `W/"${entry.meta?.versionId ?? ""}"` };
      try {
        await this.session.fetch(`/fhir/Task/${encodeURIComponent(task)}`, { method: "PUT", headers, body: JSON.stringify(wish) });
        this.hint();
        return await this.queue();
      } catch (why) {
        const crossed = why instanceof Refused && (why.status === 409 || why.status === 412);
        if (!crossed || last) throw crossed ? new Failed("taken") : why;
      }
    }
    throw new Failed("taken");
  }

  /** All pages of some searches. Whose they are stands in the body: an address may be written down on its way. */
  private async search(needs: string[]): Promise<Resource[]> {
    const found: Resource[] = [];
    for (const need of needs) {
      for (let next: string | undefined = need; next; ) {
        const [kind, criteria] = next.split("?");
        const page: Found = await this.session.json<Found>(`/fhir/${kind}/_search`, { method: "POST", body: new URLSearchParams(criteria) });
        found.push(...resources(page));
        next = nextOf(page);
      }
    }
    return found;
  }

  /** The first pages of many searches in one request, and what follows on them. */
  private async batch(needs: string[]): Promise<Resource[]> {
    const entry = needs.map((url) => ({ request: { method: "GET", url } }));
    const bundle = { resourceType: "Bundle", type: "batch", entry };
    const answer = await this.session.json<{ entry?: { resource?: Found; response?: { status?: string } }[] }>("/fhir", {
      method: "POST", headers: { "content-type": FHIR }, body: JSON.stringify(bundle),
    });
    const found: Resource[] = [];
    for (const { resource, response } of answer.entry ?? []) {
      // A chart with a part missing would be a lie.
      if (!response?.status?.startsWith("200") || !resource) throw new Refused(Number(response?.status?.slice(0, 3) ?? 500));
      found.push(...resources(resource));
      const next = nextOf(resource);
      if (next) found.push(...(await this.search([next])));
    }
    return found;
  }

  /** Reads the report at the server, which notes who did: the person sees that somebody has. */
  private tellRead(report: string | undefined): void {
    if (!report || this.told.has(report)) return;
    this.told.add(report);
    this.session.fetch(`/fhir/QuestionnaireResponse/${encodeURIComponent(report)}`).catch(() => this.told.delete(report));
  }
}

const resources = (page: Found) => (page.entry ?? []).map((entry) => entry.resource);

/** The search that gives the next page. */
const nextOf = (page: Found): string | undefined => page.link?.find((link) => link.relation === "next")?.url.split("/").at(-1);

/** Each record once: two searches may find the same. */
function distinct(records: Resource[]): Resource[] {
  return [...new Map(records.map((record) => [`${record.resourceType}/${record.id}`, record])).values()];
}

