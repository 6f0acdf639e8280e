// The records of the benches as PouchDB's documents.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/** Pages of the first records of an NDJSON file. */
export async function* documents(file, count, size) {
  let page = [];
  let made = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (made++ >= count) break;
    const record = JSON.parse(line);
    page.push({ _id: `${record.resourceType}/${record.id}`, record });
    if (page.length === size) {
      yield page;
      page = [];
    }
  }
  if (page.length > 0) yield page;
}
