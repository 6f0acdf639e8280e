// PouchDB as a server (express-pouchdb) with the first COUNT records of an NDJSON file.
// `node serve.mjs FOLDER RECORDS COUNT`
import express from "express";
import expressPouchdb from "express-pouchdb";
import PouchDB from "pouchdb";
import { documents } from "./records.mjs";

const [folder, file, count] = process.argv.slice(2);
const Stored = PouchDB.defaults({ prefix: `${folder}/` });
const db = new Stored("district");
for await (const page of documents(file, Number(count), 1000)) {
  const results = await db.bulkDocs(page);
  const failed = results.find((result) => result.error);
  if (failed) throw new Error(`a record was not taken: ${failed.name}`);
}
await new Stored("sent").info();
const app = express();
// In memory, without log file and pages: what is measured is the replication.
app.use("/", expressPouchdb(Stored, { mode: "minimumForPouchDB", inMemoryConfig: true }));
const server = app.listen(0, "127.0.0.1", () => console.log(`listening 127.0.0.1:${server.address().port}`));
