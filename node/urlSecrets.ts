/** Shorter parts of a path are names of routes, and replacing them would tear other words apart. */
const SHORTEST_SECRET = 8

/**
 * Lists what a URL may keep secret, as it is written and decoded: user, password, and the long parts of its path and query, where
 * API keys stand.
 */
export function urlSecrets(url: string): readonly string[] {
  const { username, password, pathname, searchParams } = new URL(url)
  const parts = [username, password, ...pathname.split('/'), ...searchParams.values()]
  const written = parts.flatMap((part) => [part, percentDecoded(part)])
  return [...new Set(written)].filter(
    (part) => part.length >= SHORTEST_SECRET || (part !== '' && part === password),
  )
}

/** Takes secrets out of a text. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '…'), text)
}

/** Decodes the percent signs of a part of a URL; what is no code stays as it is written. */
export function percentDecoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
