/** What SQS acknowledged survives `kill -9`; the journal underneath, with its torn ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openJournal } from '../../local/journal.ts';
import { newClient } from './support/sqs.ts';

let dataDir: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'spotreel-sqs-'));
});
afterEach(async () => {
  await Promise.all(children.splice(0).map(kill));
  await rm(dataDir, { recursive: true });
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function start() {
  const script = fileURLToPath(new URL('support/sqs-child.ts', import.meta.url));
  const child = spawn(process.execPath, [script, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [url] = await once(child.stdout, 'data');
  const endpoint = String(url).trim();
  return { child, client: newClient(endpoint), QueueUrl: `${endpoint}/000000000000/work` };
}

describe('a killed SQS', () => {
  test('comes back with every message that it acknowledged, and none that it deleted', async () => {
    const { child, client, QueueUrl } = await start();
    const acknowledged = new Set<string>();
    const sending = Array.from({ length: 200 }, async (_, index) => {
      const MessageBody = `message ${index}`;
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
      acknowledged.add(MessageBody);
    });
    await Promise.all(sending.slice(0, 20));
    const { Messages: [message] = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl }));
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
    acknowledged.delete(message?.Body ?? '');
    await kill(child);
    await Promise.allSettled(sending);

    const again = await start();
    const found = new Set<string>();
    for (;;) {
      const command = new ReceiveMessageCommand({ QueueUrl: again.QueueUrl, MaxNumberOfMessages: 10 });
      const { Messages = [] } = await again.client.send(command);
      if (Messages.length === 0) break;
      for (const { Body } of Messages) found.add(Body ?? '');
    }
    expect([...acknowledged].filter((body) => !found.has(body))).toEqual([]);
    expect(found).not.toContain(message?.Body);
  });

  test('comes back with receive counts, hidden messages and valid receipt handles', async () => {
    const { child, client, QueueUrl } = await start();
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hidden', MessageGroupId: 'g' }));
    const first = await client.send(new ReceiveMessageCommand({ QueueUrl }));
    const ReceiptHandle = first.Messages?.[0]?.ReceiptHandle;
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'delayed', DelaySeconds: 900 }));
    await kill(child);

    const again = await start();
    const state = await again.client.send(
      new GetQueueAttributesCommand({ QueueUrl: again.QueueUrl, AttributeNames: ['All'] }),
    );
    expect(state.Attributes).toMatchObject({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '1',
      ApproximateNumberOfMessagesDelayed: '1',
    });
    await again.client.send(
      new ChangeMessageVisibilityCommand({ QueueUrl: again.QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }),
    );
    const second = await again.client.send(
      new ReceiveMessageCommand({ QueueUrl: again.QueueUrl, MessageSystemAttributeNames: ['All'] }),
    );
    expect(second.Messages).toMatchObject([
      { Body: 'hidden', Attributes: { ApproximateReceiveCount: '2', MessageGroupId: 'g' } },
    ]);
  });
});

describe('the journal', () => {
  const open = async (rewriteBytes?: number) => {
    const records: string[] = [];
    const journal = await openJournal<string>({
      path: join(dataDir, 'log'),
      replay: (record) => records.push(record),
      snapshot: () => records,
      ...(rewriteBytes !== undefined && { rewriteBytes }),
    });
    return {
      records,
      journal,
      append(record: string) {
        records.push(record);
        journal.append(record);
      },
    };
  };

  async function write(...records: string[]): Promise<void> {
    const { journal, append } = await open();
    for (const record of records) append(record);
    await journal.close();
  }

  async function read(): Promise<string[]> {
    const { journal, records } = await open();
    await journal.close();
    return records;
  }

  test('gives back what was appended', async () => {
    await write('a', 'line\nbreak', 'ü');
    expect(await read()).toEqual(['a', 'line\nbreak', 'ü']);
  });

  test.each([1, 5, 12])(
    'drops a last record that lacks its last %i bytes, and goes on behind the others',
    async (lost) => {
      await write('first', 'second');
      const { size } = await stat(join(dataDir, 'log'));
      await truncate(join(dataDir, 'log'), size - lost);
      await write('third');
      expect(await read()).toEqual(['first', 'third']);
    },
  );

  test('drops a tail that is not its own', async () => {
    await write('first');
    await appendFile(join(dataDir, 'log'), '00000000 "forged"\n');
    expect(await read()).toEqual(['first']);
  });

  test('is compacted at the start', async () => {
    await write('kept');
    const compact = await readFile(join(dataDir, 'log'), 'utf8');
    const journal = await openJournal<string>({
      path: join(dataDir, 'log'),
      replay: () => {},
      snapshot: () => ['kept'],
    });
    for (let i = 0; i < 100; i++) journal.append('gone by the next start');
    await journal.close();
    const restarted = await openJournal<string>({
      path: join(dataDir, 'log'),
      replay: () => {},
      snapshot: () => ['kept'],
    });
    await restarted.close();
    expect(await readFile(join(dataDir, 'log'), 'utf8')).toBe(compact);
  });

  test('is compacted when it grows, and loses nothing by it', async () => {
    const { journal, append, records } = await open(1000);
    for (let i = 0; i < 300; i++) {
      // Only the last ten count.
      append(`record ${i}`);
      if (records.length > 10) records.shift();
      await journal.flushed();
    }
    await journal.close();
    expect((await stat(join(dataDir, 'log'))).size).toBeLessThan(1100);
    expect((await read()).slice(-10)).toEqual(Array.from({ length: 10 }, (_, i) => `record ${290 + i}`));
  });

  test('says so for good when it cannot write', async () => {
    const { journal, append } = await open(0);
    await rm(dataDir, { recursive: true });
    append('lost');
    await expect(journal.flushed()).rejects.toThrow(/cannot be saved to .*log: make room/);
    append('lost too');
    await expect(journal.flushed()).rejects.toThrow(/cannot be saved/);
    await expect(journal.close()).rejects.toThrow(/cannot be saved/);
    dataDir = await mkdtemp(join(tmpdir(), 'spotreel-sqs-'));
  });
});
