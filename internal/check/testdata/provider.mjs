// A provider of assessments as the vendors' documents ask for it, with the standard
// library of Node alone: what the checks demand does not depend on this SDK.
// CONFIG holds addresses and secrets; the address it listens at is printed.
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const config = JSON.parse(process.env.CONFIG);
const packages = [{ id: 'typescript_test', name: 'TypeScript', description: 'TypeScript coding skills' }];
const maxBody = 1 << 20;

// Answers that a handler throws: what the vendor is told, and nothing else.
class Answer extends Error {
  constructor(status, body) {
    super();
    Object.assign(this, { status, body });
  }
}
const unauthorized = () => new Answer(401, { message: 'unauthorized' });

// Orders, by vendor and id: an order that comes again gets the answer of the first.
const orders = new Map();

function startOrder(key, packageID) {
  if (packageID === 'broken_test') throw new Error('connect ECONNREFUSED 10.0.0.3:5432');
  if (!orders.has(key)) {
    const rejected = packageID === 'discontinued_test' ? 'We do not offer this test any more.' : undefined;
    orders.set(key, { rejected, url: `https://tests.example.com/take/${encodeURIComponent(key)}` });
  }
  return orders.get(key);
}

function signedBy(body, signature, secrets) {
  return secrets.some((secret) => {
    const want = Buffer.from(createHmac('sha256', secret).update(body).digest('base64url'));
    const got = Buffer.from(signature ?? '');
    return want.length === got.length && timingSafeEqual(want, got);
  });
}

function parse(body) {
  try {
    const value = JSON.parse(body);
    if (value !== null && typeof value === 'object') return value;
  } catch {}
  throw new Answer(400, { message: 'not a JSON object' });
}

// --- Kombo

function komboWebhook(request, body) {
  if (!signedBy(body, request.headers['x-kombo-signature'], [config.komboSecret])) throw unauthorized();
  const { type, data } = parse(body);
  const inline = type === 'inline-assessment:order-received';
  if (!inline && type !== 'assessment:order-received') return [200, {}];
  if (typeof data?.id !== 'string') throw new Answer(400, { message: 'an order without an id' });
  const order = startOrder(`kombo/${data.id}`, data.package_id);
  if (order.rejected) return [422, { status: 'ORDER_REJECTED', message: order.rejected }];
  return [200, inline ? { assessment_url: order.url } : {}];
}

async function komboResult({ account, id, result }) {
  await call('PUT', `${config.kombo}/assessment/orders/${encodeURIComponent(id)}/result`,
    { authorization: `Bearer ${config.komboKey}`, 'x-integration-id': account },
    {
      status: komboStatuses[result.status] ?? 'OPEN', result_url: result.report_url ?? 'https://reports.example.com/status',
      completed_at: komboStatuses[result.status] && new Date(result.completed_at ?? Date.now()).toISOString(),
      score: result.score?.value, max_score: result.score?.max, attributes: [],
    });
}

// All else is on its way, for Kombo.
const komboStatuses = { completed: 'COMPLETED', cancelled: 'CANCELLED' };

// --- StackOne

const orderEvents = new Set(['ats_assessments_orders.created', 'ats_background_checks_orders.created']);

// A record's id may be a number beyond 2^53, which JSON.parse would round.
function recordID(body) {
  const found = /"record_id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)/.exec(body.toString('utf8'));
  if (!found) throw new Answer(400, { message: 'an order without an id' });
  return found[1].startsWith('"') ? JSON.parse(found[1]) : found[1];
}

async function stackoneWebhook(request, body) {
  const secrets = [config.stackoneSecret, config.stackoneNextSecret];
  if (!signedBy(body, request.headers['x-stackone-signature']?.replace(/=+$/, ''), secrets)) throw unauthorized();
  const event = parse(body);
  const named = String(event.event ?? '');
  if (!orderEvents.has(named) && !/(assessment|background_check).*created$/.test(named)) return [200, {}];
  const ordered = event.event_data?.package ?? {};
  startOrder(`stackone/${event.account_id}/${recordID(body)}`, ordered.remote_id ?? ordered.id);
  return [200, {}];
}

function stackonePackages(request, body) {
  const secrets = [config.stackoneSecret, config.stackoneNextSecret];
  if (!signedBy(body, request.headers['x-stackone-signature']?.replace(/=+$/, ''), secrets)) throw unauthorized();
  const { account_id: account } = parse(body);
  if (account === config.emptyAccount) return [200, { data: [] }];
  return [200, { data: [...packages, { id: `own-${account}`, name: 'Our own', description: 'Made for this customer' }] }];
}

async function stackoneResult({ account, id, kind, result }) {
  const group = kind === 'background_check' ? 'background_checks' : 'assessments';
  const text = (v) => (v === undefined ? undefined : String(v));
  await call('PATCH', `${config.stackone}/unified/ats/${group}/orders/${encodeURIComponent(id)}/result`,
    { authorization: basic(config.stackoneKey), 'x-account-id': account },
    {
      score: result.score && { label: 'Points', value: text(result.score.value), min: '0', max: text(result.score.max) },
      result: { value: result.status === 'completed' ? (result.outcome || 'completed') : result.status },
      result_url: result.report_url, submission_date: result.completed_at && new Date(result.completed_at).toISOString(),
    });
}

// --- Ashby

const basic = (user) => `Basic ${Buffer.from(`${user}:`).toString('base64')}`;
const assessments = new Map(); // by id
const live = new Map(); // the id of the assessment that runs, by customer, application and type

function ashbyCustomer(request) {
  const customer = config.ashbyCustomers.find((c) => basic(c.PartnerKey) === request.headers.authorization);
  if (!customer) throw new Answer(401, ashbyError('unauthorized', 'This key was not issued by us.'));
  return customer.Name;
}

const ashbyError = (code, message) => ({ success: false, errors: [code], errorInfo: { code, message } });

function ashbyList(request) {
  const customer = ashbyCustomer(request);
  if (customer === config.emptyCustomer) return [200, { success: true, results: [] }];
  return [200, { success: true, results: packages.map((p) => ({ assessment_type_id: p.id, name: p.name, description: p.description })) }];
}

function ashbyStart(request, body) {
  const customer = ashbyCustomer(request);
  const { assessment_type_id: type, application } = parse(body);
  if (typeof type !== 'string' || !application?.ashby_id) throw new Answer(400, ashbyError('invalid_input', 'An assessment and an application are needed.'));
  if (type === 'running_test') throw new Answer(409, ashbyError('already_assessed', 'The candidate is taking this test.'));
  const key = JSON.stringify([customer, application.ashby_id, type]);
  if (!live.has(key)) {
    const id = randomUUID();
    const order = startOrder(`ashby/${id}`, type);
    if (order.rejected) throw new Answer(422, { message: order.rejected });
    live.set(key, id);
    const started = Date.now();
    assessments.set(id, { customer, key, started, told: started, url: order.url });
  }
  const id = live.get(key);
  const { started } = assessments.get(id);
  const status = { identifier: 'status', label: 'Status', type: 'string', value: 'Invitation sent' };
  return [200, { success: true, results: { assessment_id: id, update_request: { assessment_id: id, timestamp: started, assessment_status: status, metadata: [] } } }];
}

function ashbyCancel(request, body) {
  const customer = ashbyCustomer(request);
  const { assessment_id: id } = parse(body);
  const assessment = assessments.get(id);
  if (!assessment || assessment.customer !== customer) throw new Answer(404, ashbyError('assessment_not_found', 'There is no such assessment.'));
  if (live.get(assessment.key) === id) live.delete(assessment.key);
  return [200, { success: true, results: { assessment_id: id } }];
}

async function ashbyResult({ account, id, result }) {
  const customer = config.ashbyCustomers.find((c) => c.Name === account);
  // Ashby orders updates by time: each is later than the one before.
  const assessment = assessments.get(id);
  assessment.told = Math.max(Date.now(), assessment.told + 1);
  const answer = await call('POST', `${config.ashby}/assessment.update`, { authorization: basic(customer.APIKey) }, {
    assessment_id: id, timestamp: assessment.told,
    assessment_status: { identifier: 'status', label: 'Status', type: 'string', value: result.status === 'completed' ? 'Completed' : 'In progress' },
    assessment_profile_url: result.report_url && { identifier: 'report', label: 'Report', type: 'url', value: result.report_url },
    assessment_result: result.score && { identifier: 'score', label: 'Score', type: 'numeric_score', value: result.score.value },
    metadata: result.score?.max === undefined ? [] : [{ identifier: 'max', label: 'Max score', type: 'numeric_score', value: result.score.max }],
  });
  if (answer?.success !== true) throw new Error('Ashby refused the update');
}

// --- Calls and the server

async function call(method, url, headers, body) {
  const response = await fetch(url, {
    method, redirect: 'manual', signal: AbortSignal.timeout(20_000),
    headers: { accept: 'application/json', 'content-type': 'application/json', 'user-agent': 'node-provider/1.0', ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return parse(text);
}

const finish = { kombo: komboResult, stackone: stackoneResult, ashby: ashbyResult };

const routes = {
  '/kombo': komboWebhook,
  '/stackone': stackoneWebhook,
  '/stackone/packages': stackonePackages,
  '/ashby/assessment.list': ashbyList,
  '/ashby/assessment.start': ashbyStart,
  '/ashby/assessment.cancel': ashbyCancel,
  '/finish': async (_, body) => {
    const order = parse(body);
    await finish[order.vendor](order);
    return [200, {}];
  },
};

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maxBody) throw new Answer(413, { message: 'too large' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function answer(request) {
  const handle = routes[new URL(request.url, 'http://localhost').pathname];
  if (!handle) return [404, { message: 'not found' }];
  if (request.method !== 'POST') return [405, { message: 'only POST' }];
  try {
    return await handle(request, await read(request));
  } catch (error) {
    if (error instanceof Answer) return [error.status, error.body];
    return [500, { message: 'internal error' }]; // the reason is nobody's business
  }
}

const server = createServer({ requestTimeout: 30_000 }, async (request, response) => {
  const [status, body] = await answer(request);
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
