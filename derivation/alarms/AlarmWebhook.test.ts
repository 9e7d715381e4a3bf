import { afterEach, expect, it } from 'vitest'
import { startHttpServer } from '../../test/httpServer.ts'
import { createAlarmWebhook, WebhookError } from './AlarmWebhook.ts'

const closers: (() => unknown)[] = []
const { signal } = new AbortController()
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function serve(status: number) {
  const seen: { path: string; authorization: string | undefined }[] = []
  const server = await startHttpServer(async (path, _body, { authorization }) => {
    seen.push({ path, authorization })
    return new Response('', { status })
  })
  closers.push(server.close)
  return { seen, host: server.url.slice('http://'.length) }
}

it('sends a user and password in the URL as a header', async () => {
  const { seen, host } = await serve(200)
  await createAlarmWebhook({ url: `http://me:s%20cret@${host}/hook?a=1` }, 'test').post({}, signal)
  await createAlarmWebhook({ url: `http://${host}` }, 'test').post({}, signal)
  expect(seen).toEqual([
    { path: '/hook?a=1', authorization: `Basic ${btoa('me:s cret')}` },
    { path: '/', authorization: undefined },
  ])
})

it('names no more of the URL than the host when a notice is not taken', async () => {
  const { host } = await serve(500)
  for (const at of [host, '127.0.0.1:1']) {
    const webhook = createAlarmWebhook({ url: `http://me:hunter2hunter2@${at}/0123456789abcdef` }, 'test')
    const error: unknown = await webhook.post({}, signal).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(WebhookError)
    expect(String(error)).toContain(at)
    expect(String(error)).not.toMatch(/hunter2|0123456789abcdef/)
  }
})
