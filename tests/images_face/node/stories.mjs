// What the official Node SDK, and the AI SDK of Vercel, make of our answers: one JSON line.
//   node stories.mjs STORY PACKAGE BASE_URL USER

import { createHash } from 'node:crypto'

const [story, pack, baseURL, user] = process.argv.slice(2)
const hash = (data) => createHash('sha256').update(data).digest('hex')
const bytes = (image) => Buffer.from(image.b64_json, 'base64')

async function sdk(more = {}) {
  const { default: OpenAI } = await import(pack)
  return new OpenAI({ baseURL, apiKey: 'none', ...more })
}

async function told(call) {
  try {
    await call()
  } catch (error) {
    return [error.constructor.name, error.status ?? null, error.code, error.param ?? null]
  }
  return ['nothing']
}

const stories = {
  async generate() {
    const client = await sdk()
    const ask = (more) => client.images.generate({ model: 'mira', prompt: 'x', user, ...more })
    const four = await ask({ n: 4 })
    const links = await ask({ n: 2, response_format: 'url' })
    const files = await Promise.all(
      links.data.map(async (one) => Buffer.from(await (await fetch(one.url)).arrayBuffer())),
    )
    const webp = await ask({ output_format: 'webp' })
    const events = []
    for await (const event of await ask({ n: 2, stream: true, partial_images: 1 })) {
      events.push([event.type, event.image_index, hash(bytes(event))])
    }
    const eight = await Promise.all(Array.from({ length: 8 }, () => ask({})))
    return {
      four: four.data.map((one) => hash(bytes(one))),
      indices: four.data.map((one) => one.gateway.index),
      links: files.map(hash),
      webp: bytes(webp.data[0]).subarray(8, 12).toString('latin1'),
      events,
      eight: eight.map((answer) => hash(bytes(answer.data[0]))),
      models: (await client.models.list()).data.map((model) => model.id),
      model: (await client.models.retrieve('mira')).id,
    }
  },

  async refused() {
    const client = await sdk()
    const ask = (more) => () => client.images.generate({ model: 'mira', prompt: 'x', user, ...more })
    const image = new File([new Uint8Array(100)], 'a.png', { type: 'image/png' })
    return {
      none: await told(ask({ n: 0 })),
      many: await told(ask({ n: 1000 })),
      long: await told(ask({ prompt: 'x'.repeat(20001) })),
      model: await told(ask({ model: 'nobody' })),
      edit: await told(() => client.images.edit({ model: 'mira', prompt: 'x', image })),
    }
  },

  async broken() {
    const client = await sdk()
    return told(async () => {
      const stream = await client.images.generate({ model: 'mira', prompt: 'x', user, stream: true })
      for await (const _ of stream);
    })
  },

  async key() {
    const client = await sdk({ apiKey: 'slk_wrong' })
    return told(() => client.models.list())
  },

  async again() {
    const client = await sdk({ maxRetries: 5 })
    const answer = await client.images.generate({ model: 'mira', prompt: 'x', user, n: 4 })
    return { batch: answer.batch_id, pictures: answer.data.map((one) => hash(bytes(one))) }
  },

  async vercel() {
    const ai = await import('ai')
    const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
    const provider = createOpenAICompatible({ name: 'safelight', baseURL, apiKey: 'none' })
    const generate = ai.generateImage ?? ai.experimental_generateImage
    const { images } = await generate({
      model: provider.imageModel('mira'),
      prompt: 'x',
      n: 4,
      size: '256x256',
      providerOptions: { safelight: { user } },
    })
    return images.map((image) => hash(image.uint8Array))
  },
}

console.log(JSON.stringify(await stories[story]()))
