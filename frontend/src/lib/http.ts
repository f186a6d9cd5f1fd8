import { ServerError } from "./errors";

interface Answer {
  readonly data: unknown;
  readonly errors: readonly { code: string; message: string; field?: string }[];
}

/** Throws a ServerError with the server's own words, or a temporary one if no answer came. */
export async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
  } catch {
    throw new ServerError("unreachable", "", "", true);
  }
  if (response.status === 204) return undefined as T;
  const answer = (await response.json().catch(() => null)) as Answer | null;
  if (response.ok && answer) return answer.data as T;
  const [first] = answer?.errors ?? [];
  const temporary = response.status >= 500 || response.status === 429;
  throw new ServerError(
    first?.code ?? String(response.status),
    first?.message ?? "",
    first?.field,
    temporary,
  );
}
