// SPDX-FileCopyrightText: 2026 roof_detector authors
// SPDX-License-Identifier: AGPL-3.0-only
//
// Reads one MCAP file through its index, as Foxglove does, and prints what it found as JSON: every
// message is decoded with the schema that the file itself holds, never with one of ours.
import { open } from 'node:fs/promises';
import { parse } from '@foxglove/rosmsg';
import { MessageReader } from '@foxglove/rosmsg2-serialization';
import { McapIndexedReader } from '@mcap/core';
import { FileHandleReadable } from '@mcap/nodejs';
import { loadDecompressHandlers } from '@mcap/support';

const file = await open(process.argv[2], 'r');
const reader = await McapIndexedReader.Initialize({
  readable: new FileHandleReadable(file),
  decompressHandlers: await loadDecompressHandlers(),
});
const decoders = new Map();
for (const schema of reader.schemasById.values()) {
  const text = new TextDecoder().decode(schema.data);
  decoders.set(schema.id, new MessageReader(parse(text, { ros2: true })));
}
const channels = [...reader.channelsById.values()];
const messages = [];
for await (const message of reader.readMessages({ validateCrcs: true })) {
  const channel = reader.channelsById.get(message.channelId);
  messages.push({
    topic: channel.topic,
    log_time_ns: message.logTime,
    publish_time_ns: message.publishTime,
    content: decoders.get(channel.schemaId).readMessage(message.data),
  });
}
const records = [];
for await (const record of reader.readMetadata()) {
  records.push({ name: record.name, values: Object.fromEntries(record.metadata) });
}
const found = {
  profile: reader.header.profile,
  library: reader.header.library,
  topics: channels.map((channel) => ({
    name: channel.topic,
    encoding: channel.messageEncoding,
    type: reader.schemasById.get(channel.schemaId).name,
    schema_encoding: reader.schemasById.get(channel.schemaId).encoding,
    qos: channel.metadata.get('offered_qos_profiles'),
  })),
  compressions: [...new Set(reader.chunkIndexes.map((chunk) => chunk.compression))],
  message_count: reader.statistics.messageCount,
  messages,
  records,
};
// Times do not fit into JSON's numbers; typed arrays become plain lists.
const plain = (_, value) =>
  typeof value === 'bigint' ? value.toString()
    : ArrayBuffer.isView(value) ? Array.from(value) : value;
console.log(JSON.stringify(found, plain));
await file.close();
