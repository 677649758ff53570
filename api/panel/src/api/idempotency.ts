/** A random UUID (RFC 9562, version 4). crypto.randomUUID exists only over HTTPS, which a station on the shop's network may not have. */
export function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = [...bytes].map((byte, at) => {
    if (at === 6) byte = (byte & 0x0f) | 0x40;
    if (at === 8) byte = (byte & 0x3f) | 0x80;
    return byte.toString(16).padStart(2, "0");
  });
  return hex.join("").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** A request under its idempotency key, kept until the service has answered it. */
export class PendingKey {
  #key = "";
  #asked = "";

  /** The key of an unanswered request for the same, or a fresh one. */
  for(asked: object): string {
    const text = JSON.stringify(asked);
    if (!this.#key || this.#asked !== text) {
      this.#key = uuid();
      this.#asked = text;
    }
    return this.#key;
  }

  answered(): void {
    this.#key = "";
  }
}
