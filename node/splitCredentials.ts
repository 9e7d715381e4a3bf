import { percentDecoded } from './urlSecrets.ts'

/**
 * Takes user and password out of a URL, which `fetch` refuses, and makes the header of basic authentication that sends them; a URL
 * without them stays as it is written.
 */
export function splitCredentials(url: string): { url: string; headers: Readonly<Record<string, string>> } {
  const parsed = new URL(url)
  const { username, password } = parsed
  if (username === '' && password === '') return { url, headers: {} }
  const credentials = `${percentDecoded(username)}:${percentDecoded(password)}`
  parsed.username = ''
  parsed.password = ''
  return {
    url: parsed.href,
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
  }
}
