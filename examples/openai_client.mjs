// Four pictures through the official OpenAI SDK for Node, each written as soon as it is stored.
//
//   node openai_client.mjs mira "at the sea" ann 4
//
// Needs a running `safelight serve` and `npm install openai`; SAFELIGHT_URL says where the server
// is, SAFELIGHT_KEY has the API key, if there are any.

import { writeFile } from 'node:fs/promises'
import OpenAI from 'openai'

const [character, prompt = '', user = 'ann', quantity = '4'] = process.argv.slice(2)
if (!character) {
  console.error('usage: node openai_client.mjs CHARACTER [PROMPT] [USER] [QUANTITY]')
  process.exit(2)
}
const url = process.env.SAFELIGHT_URL ?? 'http://127.0.0.1:8080'
const client = new OpenAI({
  baseURL: `${url}/openai/v1`,
  apiKey: process.env.SAFELIGHT_KEY ?? 'none',
})

const events = await client.images.generate({
  model: character,
  prompt,
  user,
  n: Number(quantity),
  stream: true,
})
for await (const event of events) {
  if (event.type !== 'image_generation.completed') continue
  const name = `${character}-${String(event.index).padStart(5, '0')}.png`
  await writeFile(name, Buffer.from(event.b64_json, 'base64'))
  console.log(name, event.seed, event.content_url)
}
