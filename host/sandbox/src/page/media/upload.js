// Sends a file to the server as a component of a version, the way the official JavaScript client does.

import { SERVER_LOCATION, created } from "../api.js";
import { freshId } from "../dom.js";

/**
 * Uploads a file and returns its component's id. `onProgress` is called with a fraction. `signal` ends it.
 */
export async function uploadComponent(api, file, versionId, { onProgress, signal }) {
  const id = freshId();
  const { name, type } = nameAndType(file.name);
  const [metadata] = await api.call([
    { action: "get_upload_metadata", component_id: id, file_name: file.name, file_size: file.size, checksum: null, parts: null },
  ]);
  await put(metadata.url, metadata.headers ?? {}, file, { onProgress, signal });
  await api.call([
    created("FileComponent", { id, name, file_type: type, size: file.size, version_id: versionId }),
    created("ComponentLocation", { id: freshId(), component_id: id, resource_identifier: id, location_id: SERVER_LOCATION }),
  ]);
  return id;
}

/** By the older interface, since the newer one does not tell how much has gone up. */
function put(url, headers, file, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    // Asked for by the name that the page was, since the server may call itself by another.
    const { pathname, search } = new URL(url, location.href);
    request.open("PUT", pathname + search);
    for (const [name, value] of Object.entries(headers)) {
      // The browser writes this one itself and refuses to be told.
      if (name.toLowerCase() !== "content-length") {
        request.setRequestHeader(name, value);
      }
    }
    request.upload.addEventListener("progress", (event) => onProgress(event.total > 0 ? event.loaded / event.total : 1));
    request.addEventListener("load", () => (request.status < 300
      ? resolve() : reject(new Error(request.responseText || `The server answered with status ${request.status}.`))));
    request.addEventListener("error", () => reject(new Error("The connection was lost while the file was sent.")));
    request.addEventListener("abort", () => reject(new Error("It was stopped.")));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/** `shot.0001.exr` is `shot.0001` of the type `.exr`. */
function nameAndType(fileName) {
  const [, name, type] = /^(.+?)(\.[^.]+)?$/.exec(fileName) ?? [null, fileName, ""];
  return { name, type: type ?? "" };
}
