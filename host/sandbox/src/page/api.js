// `POST /api`, the way ftrack's web client calls it.

/** The server answered with an error, whose message a person can read. */
export class ApiError extends Error {}

export class Api {
  constructor(signIn) {
    this.headers = {
      "content-type": "application/json",
      "ftrack-user": signIn.user,
      "ftrack-api-key": signIn.apiKey,
      "ftrack-strict-api": "true",
    };
  }

  /** Runs several queries in one request and returns the rows of each. */
  async query(...expressions) {
    const operations = expressions.map((expression) => ({ action: "query", expression }));
    const response = await fetch("/api", {
      method: "POST",
      headers: this.headers,
      body: JSON.stringify(operations),
    });
    const answer = await response.json();
    if (!Array.isArray(answer)) {
      throw new ApiError(answer.content ?? `The server answered with status ${response.status}.`);
    }
    return answer.map((result) => result.data);
  }
}

/** Returns the id of the user who is signed in. */
export async function userId(api, username) {
  const [users] = await api.query("select id, username from User");
  return users.find((user) => user.username === username)?.id;
}
