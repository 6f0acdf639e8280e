// tus-js-client (npm) uploads a file: node tus-client.mjs ENDPOINT TOKEN DOCUMENT FILE SHA256 CHUNK
// It gives up once in the middle and goes on from the address it was given, as a new process would.
// Prints one line of JSON: how often it was asked again, and what it saw.
import { createReadStream, statSync } from "node:fs";
import * as tus from "tus-js-client";

const [endpoint, token, document, file, sha256, chunk] = process.argv.slice(2);
const size = statSync(file).size;
let retries = 0;
let stopped = false;

/** Uploads until the end, or until half of it is there if it is to stop. */
function upload(url, stopAtHalf) {
  return new Promise((resolve, reject) => {
    const one = new tus.Upload(createReadStream(file), {
      endpoint,
      uploadUrl: url,
      uploadSize: size,
      chunkSize: Number(chunk),
      headers: { authorization: `Bearer ${token}` },
      metadata: { document, filetype: "audio/ogg", sha256 },
      retryDelays: [50, 100, 200, 400, 800, 1600],
      onShouldRetry: (error) => {
        retries += 1;
        const status = error.originalResponse?.getStatus() ?? 0;
        return status < 400 || status >= 500 || [408, 409, 423].includes(status);
      },
      onChunkComplete: (_length, accepted) => {
        if (stopAtHalf && accepted * 2 >= size && accepted < size) {
          stopped = true;
          one.abort().then(() => resolve(one.url));
        }
      },
      onSuccess: () => resolve(one.url),
      onError: reject,
    });
    one.start();
  });
}

const url = await upload(null, true);
if (stopped) await upload(url, false);
console.log(JSON.stringify({ url, retries, stopped }));
