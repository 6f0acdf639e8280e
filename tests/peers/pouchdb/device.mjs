// PouchDB as a device, timed.
// `node device.mjs pull URL FOLDER` · `node device.mjs push URL FOLDER RECORDS COUNT`
import PouchDB from "pouchdb";
import { documents } from "./records.mjs";

const [way, url, folder, file, count] = process.argv.slice(2);
const db = new (PouchDB.defaults({ prefix: `${folder}/` }))("device");
// Ten times the usual page: with 100 it is slower.
const options = { batch_size: 1000 };
const run = (begun, replication) =>
  replication.then((result) => {
    if (!result.ok) throw new Error("not replicated");
    return (performance.now() - begun) / 1000;
  });
const say = (seconds, documents) =>
  console.log(`done ${seconds.toFixed(3)} ${documents} ${(process.resourceUsage().maxRSS * 1024 / 1e6).toFixed(1)}`);

if (way === "pull") {
  const took = await run(performance.now(), db.replicate.from(`${url}/district`, options));
  say(took, (await db.info()).doc_count);
  // Nothing new.
  console.log(`again ${(await run(performance.now(), db.replicate.from(`${url}/district`, options))).toFixed(3)}`);
} else {
  for await (const page of documents(file, Number(count), 1000)) await db.bulkDocs(page);
  const took = await run(performance.now(), db.replicate.to(`${url}/sent`, options));
  say(took, Number(count));
}
process.exit(0);
