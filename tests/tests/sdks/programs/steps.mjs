// What each line of the input says is done with an SDK of either generation, and answered with a line: JSON, both ways.
import { createInterface } from 'node:readline';

// What comes in its own time, and who waits for it.
class Queue {
  #items = [];
  #waiting = [];

  put(item) {
    const next = this.#waiting.shift();
    if (next) next(item);
    else this.#items.push(item);
  }

  take() {
    return this.#items.length ? this.#items.shift() : new Promise(resolve => this.#waiting.push(resolve));
  }
}

const logged = new Queue(), updated = new Queue();
let progress, asked = [];

// What both generations declare, and how they answer.
export const capabilities = { elicitation: {}, sampling: {}, roots: {} };
export const answers = {
  'elicitation/create'({ params }) {
    asked.push(params.message);
    return { action: 'accept', content: { name: 'n' } };
  },
  'sampling/createMessage'({ params }) {
    asked.push(params.messages[0].content.text);
    return { role: 'assistant', model: 'm', content: { type: 'text', text: 'sampled' } };
  },
  'roots/list'() {
    asked.push('roots');
    return { roots: [{ uri: 'file:///root' }] };
  },
};
export const news = {
  'notifications/message': ({ params }) => logged.put(params.data),
  'notifications/resources/updated': ({ params }) => updated.put(params.uri),
};

// Says hello, then does one step after the other. `call`, `level` and `subscribe` are each generation's own way.
export async function follow(client, version, { call, level, subscribe }) {
  const onprogress = ({ progress: done, total, message }) => progress.put([done, total, message]);
  const begin = ({ name, arguments: args = {} }, signal) => {
    // One generation tells of rounds of questions as progress, which is another call's.
    progress = new Queue();
    return call({ name, arguments: args }, { onprogress, signal });
  };
  let running, stop;
  const steps = {
    tools: async () => (await client.listTools()).tools,
    call: step => begin(step),
    begin(step) {
      stop = new AbortController();
      running = begin(step, stop.signal);
      // Whoever ends or cancels it looks at how it ended.
      running.catch(() => {});
    },
    progress: () => progress.take(),
    end: () => running,
    async cancel() {
      stop.abort();
      await running.catch(() => {});
    },
    asked() {
      const all = asked;
      asked = [];
      return all;
    },
    resources: async () => (await client.listResources()).resources,
    templates: async () => (await client.listResourceTemplates()).resourceTemplates,
    read: async ({ uri }) => (await client.readResource({ uri })).contents,
    prompts: async () => (await client.listPrompts()).prompts,
    prompt: async ({ name, arguments: args }) => (await client.getPrompt({ name, arguments: args })).messages,
    async complete({ prompt, argument }) {
      const { completion } = await client.complete({ ref: { type: 'ref/prompt', name: prompt }, argument });
      return completion.values;
    },
    level: step => level(step.level).then(() => {}),
    logged: () => logged.take(),
    subscribe: ({ uri }) => subscribe(uri).then(() => {}),
    updated: () => updated.take(),
  };
  console.log(JSON.stringify({ version, server: client.getServerVersion().name }));
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: name, ...step } = JSON.parse(line);
    let answer;
    try {
      answer = { result: (await steps[name](step)) ?? null };
    } catch (error) {
      answer = { error: error.message };
    }
    console.log(JSON.stringify(answer));
  }
  await client.close();
}
