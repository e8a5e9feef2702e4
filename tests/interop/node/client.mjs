// An OPC UA client that is not asyncua. Reads {url, user, password, folder, certificate, key} from the command line as JSON,
// does what an operator's screen does, and prints what it saw as one JSON object.
import * as opcua from "node-opcua-client";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";

const {
  AttributeIds, BrowseDirection, ClientMonitoredItem, ClientMonitoredItemGroup, ClientSubscription, DataType,
  MessageSecurityMode, MonitoringMode, OPCUAClient, SecurityPolicy, TimestampsToReturn,
  UserTokenType, constructEventFilter, ofType, resolveNodeId,
} = opcua;

const wanted = JSON.parse(process.argv[2]);
const seen = {};
const plant = (key) => `ns=2;s=${key}`;

const started = Date.now();
const step = (name) => console.error(`${Date.now() - started} ms: ${name}`);

async function session(options, user, body) {
  const client = OPCUAClient.create({
    endpointMustExist: false,
    connectionStrategy: { maxRetry: 0 },
    requestedSessionTimeout: 60000,
    ...options,
  });
  await client.connect(wanted.url);
  step("connected");
  try {
    const opened = await client.createSession(user);
    step("session opened");
    try {
      await body(opened, client);
    } finally {
      await opened.close();
    }
  } finally {
    await client.disconnect();
  }
}

const within = (ms, promise, what) =>
  Promise.race([promise, new Promise((_, no) => setTimeout(() => no(new Error(`no ${what} in ${ms} ms`)), ms))]);

async function endpoints() {
  const client = OPCUAClient.create({ endpointMustExist: false, connectionStrategy: { maxRetry: 0 } });
  await client.connect(wanted.url);
  const found = await client.getEndpoints();
  seen.endpoints = found.map((e) => [e.securityPolicyUri.split("#")[1], e.userIdentityTokens.map((t) => UserTokenType[t.tokenType])]);
  await client.disconnect();
}

async function lookAround(open) {
  const browsed = await open.browse({
    nodeId: plant("Overview"),
    browseDirection: BrowseDirection.Forward,
    referenceTypeId: "Organizes",
    resultMask: 63,
  });
  seen.overview = browsed.references.map((r) => r.nodeId.value);
  open.requestedMaxReferencesPerNode = 5;
  const paged = await open.browse({ nodeId: plant("L1-LIC-1401"), browseDirection: BrowseDirection.Forward, resultMask: 63 });
  seen.first_page = paged.references.length;
  let point = paged.continuationPoint;
  let members = paged.references;
  while (point && point.length) {
    const next = await open.browseNext(point, false);
    members = members.concat(next.references);
    point = next.continuationPoint;
  }
  seen.members = members.map((r) => r.browseName.name);
  const read = await open.read([
    { nodeId: plant("L1-LT-1401"), attributeId: AttributeIds.Value },
    { nodeId: plant("L1-LT-1401"), attributeId: AttributeIds.DisplayName },
    { nodeId: plant("L1-LT-1401/EURange"), attributeId: AttributeIds.Value },
    { nodeId: plant("L1-LIC-1401.MODE/EnumValues"), attributeId: AttributeIds.Value },
  ]);
  seen.level = { status: read[0].statusCode.name, hasTime: read[0].sourceTimestamp !== null };
  seen.name = read[1].value.value.text;
  seen.range = [read[2].value.value.low, read[2].value.value.high];
  seen.modes = read[3].value.value.map((v) => v.displayName.text);
}

async function writes(open) {
  const write = async (key, dataType, value) =>
    (await open.write({ nodeId: plant(key), attributeId: AttributeIds.Value, value: { value: { dataType, value } } })).name;
  seen.writes = {
    good: await write("L1-LIC-1401.MODE", DataType.Int32, 2),
    range: await write("L1-LIC-1401.SP", DataType.Double, 1e9),
    type: await write("L1-LIC-1401.SP", DataType.String, "high"),
    measured: await write("L1-LT-1401", DataType.Double, 1),
  };
}

async function subscribed(open) {
  const subscription = await open.createSubscription2({
    requestedPublishingInterval: 100,
    requestedLifetimeCount: 1000,
    requestedMaxKeepAliveCount: 10,
    maxNotificationsPerPublish: 0,
    publishingEnabled: true,
    priority: 1,
  });
  seen.subscription = { interval: subscription.publishingInterval };
  const keys = ["L1-LT-1401", "L1-LIC-1401.MODE", "L1-XS-4101"].map(plant);
  const items = keys.map((nodeId) => ({ nodeId, attributeId: AttributeIds.Value }));
  items.push({ nodeId: "i=2258", attributeId: AttributeIds.Value });
  const group = ClientMonitoredItemGroup.create(subscription, items, { samplingInterval: 100, queueSize: 5, discardOldest: true }, TimestampsToReturn.Both);
  const values = {};
  const all = new Promise((yes) =>
    group.on("changed", (item, value, index) => {
      values[index] = { status: value.statusCode.name, type: DataType[value.value.dataType] };
      if (Object.keys(values).length === items.length) yes();
    }),
  );
  await within(5000, all, "values");
  seen.values = values;
  await alarms(open, subscription);
  await subscription.terminate();
}

async function alarms(open, subscription) {
  const fields = ["EventId", "EventType", "SourceName", "Message", "Severity", "ConditionName", "Retain", "ActiveState.Id", "AckedState.Id", "ConditionId"];
  const filter = constructEventFilter(fields, ofType("ConditionType"));
  const item = ClientMonitoredItem.create(
    subscription,
    { nodeId: resolveNodeId("Server"), attributeId: AttributeIds.EventNotifier },
    { filter, queueSize: 100, discardOldest: true },
    TimestampsToReturn.Both,
    MonitoringMode.Reporting,
  );
  const events = [];
  const waiting = [];
  item.on("changed", (values) => {
    const event = Object.fromEntries(fields.map((name, at) => [name, values[at].value]));
    events.push(event);
    waiting.slice().forEach((look) => look());
  });
  await new Promise((yes, no) => {
    item.once("initialized", yes);
    item.once("err", (message) => no(new Error(message)));
  });
  const event = (holds, what) =>
    within(8000, new Promise((yes) => {
      const look = () => { const found = events.find(holds); if (found) yes(found); };
      waiting.push(look);
      look();
    }), what);
  const refreshed = await open.call({ objectId: resolveNodeId("ConditionType"), methodId: resolveNodeId("ConditionType_ConditionRefresh"), inputArguments: [{ dataType: DataType.UInt32, value: subscription.subscriptionId }] });
  seen.refresh = refreshed.statusCode.name;
  console.error("ready for the alarm"); // the test breaks the level now
  const raised = await event((e) => e.ConditionName === "L1-LT-1401.LOLO" && e["ActiveState.Id"], "alarm");
  seen.alarm = { message: raised.Message.text, severity: raised.Severity, retain: raised.Retain, condition: raised.ConditionId.value };
  const call = async (objectId, methodId, inputArguments = []) => (await open.call({ objectId, methodId, inputArguments })).statusCode.name;
  const comment = { dataType: DataType.LocalizedText, value: { text: "seen" } };
  seen.acknowledge = await call(raised.ConditionId, resolveNodeId("AcknowledgeableConditionType_Acknowledge"), [{ dataType: DataType.ByteString, value: raised.EventId }, comment]);
  await event((e) => e.ConditionName === "L1-LT-1401.LOLO" && e["AckedState.Id"], "acknowledged event");
  await event((e) => e.ConditionName === "L1-UZ-03" && e["ActiveState.Id"], "trip");
  seen.reset = await call(plant("L1-UZ-03"), plant("L1-UZ-03/Reset"));
}

step("started");
await endpoints();
step("endpoints read");
await session({}, undefined, async (open) => {
  await lookAround(open);
  seen.anonymous_write = (await open.write({ nodeId: plant("L1-LIC-1401.SP"), attributeId: AttributeIds.Value, value: { value: { dataType: DataType.Double, value: 1 } } })).name;
});
const clientCertificateManager = new OPCUACertificateManager({ rootFolder: wanted.folder, automaticallyAcceptUnknownCertificate: true });
await clientCertificateManager.initialize();
step("own certificates ready");
const secure = {
  securityMode: MessageSecurityMode.SignAndEncrypt,
  securityPolicy: SecurityPolicy[wanted.policy],
  certificateFile: wanted.certificate,
  privateKeyFile: wanted.key,
  applicationUri: wanted.uri,
  clientCertificateManager,
};
await session(secure, { type: UserTokenType.UserName, userName: wanted.user, password: wanted.password }, async (open) => {
  await writes(open);
  await subscribed(open);
});
console.log(JSON.stringify(seen));
process.exit(0);
