// `POST /api`, the way ftrack's web client calls it, and the addresses of files.

import { freshId } from "./dom.js";

/** The location whose files the server itself keeps; the same on every ftrack server. */
export const SERVER_LOCATION = "3a372bde-05bc-11e4-8908-20c9d081909b";

/** The server answered with an error, whose message a person can read. */
class ApiError extends Error {}

export class Api {
  constructor(signIn) {
    this.signIn = signIn;
    this.headers = {
      "content-type": "application/json",
      "ftrack-user": signIn.user,
      "ftrack-api-key": signIn.apiKey,
      "ftrack-strict-api": "true",
    };
  }

  /** Runs operations in one request, which is one transaction, and returns their results. */
  async call(operations) {
    const answer = await this.#post(operations);
    if (answer?.exception) {
      throw new ApiError(answer.content || answer.exception);
    }
    return answer;
  }

  async #post(operations) {
    let response;
    try {
      response = await fetch("/api", { method: "POST", headers: this.headers, body: JSON.stringify(operations) });
    } catch {
      throw new ApiError("The server cannot be reached.");
    }
    try {
      return await response.json();
    } catch {
      throw new ApiError(`The server answered with status ${response.status} and no data.`);
    }
  }

  /** Runs several queries in one request and returns the rows of each. */
  async query(...expressions) {
    const results = await this.call(expressions.map((expression) => ({ action: "query", expression })));
    const known = new Map();
    return results.map((result) => result.data.map((row) => completed(row, known)));
  }

  /** Reads the first `limit` rows and tells whether there are more. */
  async page(expression, limit) {
    const [rows] = await this.query(`${expression} limit ${limit + 1}`);
    return paged(rows, limit);
  }

  /** Creates an entity and returns its id. */
  async create(type, data) {
    const id = freshId();
    await this.call([created(type, { id, ...data })]);
    return id;
  }

  async update(type, id, data) {
    await this.call([updated(type, id, data)]);
  }

  async remove(type, id) {
    await this.call([removed(type, id)]);
  }

  /** Returns where a component's file is. */
  componentUrl(id) {
    return this.#fileUrl("/component/get", { id });
  }

  /** Returns where a component's file is as an image of about this size. */
  thumbnailUrl(id, size) {
    return this.#fileUrl("/component/thumbnail", { id, size: String(size) });
  }

  #fileUrl(path, parameters) {
    const { user, apiKey } = this.signIn;
    return `${path}?${new URLSearchParams({ ...parameters, username: user, apiKey })}`;
  }
}

export function created(type, data) {
  return { action: "create", entity_type: type, entity_data: { __entity_type__: type, ...data } };
}

function updated(type, id, data) {
  return { action: "update", entity_type: type, entity_key: [id].flat(), entity_data: { __entity_type__: type, ...data } };
}

export function removed(type, id) {
  return { action: "delete", entity_type: type, entity_key: [id].flat() };
}

/** Splits rows that were asked for with one more than wanted. */
export function paged(rows, limit) {
  return { rows: rows.slice(0, limit), hasMore: rows.length > limit };
}

/** Writes text as the query language quotes it. */
export function quoted(text) {
  return `"${String(text).replace(/[\\"]/g, "\\$&")}"`;
}

/** Writes a list for `in (…)`; the list that would be empty matches nothing. */
export function quotedList(texts) {
  return texts.length > 0 ? texts.map(quoted).join(", ") : '""';
}

/**
 * Brings together what an answer tells of one entity: only its first mention is whole, later ones are references.
 */
function completed(value, known) {
  if (Array.isArray(value)) {
    return value.map((one) => completed(one, known));
  }
  if (value === null || typeof value !== "object") {
    return value;
  }
  const key = value.__entity_type__ && value.id ? `${value.__entity_type__} ${value.id}` : null;
  const entity = known.get(key) ?? {};
  if (key) {
    known.set(key, entity);
  }
  for (const [name, part] of Object.entries(value)) {
    entity[name] = completed(part, known);
  }
  return entity;
}
