// @tus/server (npm) in front of a folder: node tus-server.mjs FOLDER
// Prints its port, and one line of JSON for each upload that is complete.
import { Server } from "@tus/server";
import { FileStore } from "@tus/file-store";

const server = new Server({
  path: "/api/uploads",
  datastore: new FileStore({ directory: process.argv[2] }),
  onUploadFinish: async (_request, upload) => {
    console.log(JSON.stringify({ id: upload.id, size: upload.size, metadata: upload.metadata }));
    return {};
  },
});
const http = server.listen({ host: "127.0.0.1", port: 0 }, () => console.log(http.address().port));
// It ends with whoever started it.
process.stdin.on("end", () => process.exit(0)).resume();
