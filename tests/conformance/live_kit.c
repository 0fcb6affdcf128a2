/* This file makes a network of emrfs on one of Fabric, and speaks to it as its owner. */
#include "live_kit.h"

#include <openssl/pem.h>
#include <pthread.h>
#include <time.h>

#include "cert_kit.h"
#include "contract/item.h"
#include "gateway/host.h"
#include "ledger/register.h"
#include "msp_identity.h"

struct live live;

/* As examples/network/fabric calls them. */
static const char *msp(int number)
{
	static const char *const names[] = {"Emr1MSP", "Emr2MSP", "Emr3MSP"};
	const char *name;

	name = getenv(printed("MSP_%d", number));
	return name != NULL ? name : names[number - 1];
}

/* Of an organisation; of 0: of the network. */
char *live_file(int number, const char *name)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];

	if (number == 0)
		(void)snprintf(path, sizeof paths[0], "%s/%s", live.net, name);
	else
		(void)snprintf(path, sizeof paths[0], "%s/%d/%s", live.net, number, name);
	return path;
}

static void read_ports(void)
{
	FILE *file = fopen(live_file(0, "net"), "re");
	char line[128];

	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL) {
		for (int i = 0; i < 3; i++) {
			char name[16];

			(void)snprintf(name, sizeof name, "peer_%d=", i + 1);
			if (strncmp(line, name, strlen(name)) == 0)
				live.ports[i] = atoi(line + strlen(name));
		}
	}
	(void)fclose(file);
	assert_true(live.ports[0] > 0 && live.ports[1] > 0 && live.ports[2] > 0);
}

static char *text_of(const char *path)
{
	static char texts[4][8192];
	static unsigned next;
	char *text = texts[next++ % 4];
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	text[fread(text, 1, sizeof texts[0] - 1, file)] = '\0';
	(void)fclose(file);
	return text;
}

/* The peers of the hospital and of the others, in this order: the first that answers is asked. */
emr_gateway *live_gateway(const emr_gateway_identity *identity, int first, size_t count)
{
	char addresses[3][64];
	emr_gateway_endpoint endpoints[3];
	const char *authorities[] = {msp(1), text_of(live_file(1, "ca/cert.pem")), msp(2),
		text_of(live_file(2, "ca/cert.pem")), msp(3), text_of(live_file(3, "ca/cert.pem")),
		NULL};
	emr_gateway_options options = {.endpoints = endpoints,
		.endpoint_count = count,
		.channel = "emrfs",
		.chaincode = "emrfs",
		.identity = identity,
		.version = "0",
		.endorsers_least = 2,
		.authorities = authorities};
	emr_gateway *gateway = NULL;

	for (int i = 0; i < (int)count; i++) {
		int who = (first - 1 + i) % 3;

		(void)snprintf(
			addresses[i], sizeof addresses[i], "https://127.0.0.1:%d", live.ports[who]);
		endpoints[i] = (emr_gateway_endpoint){
			.address = addresses[i], .ca_file = live_file(who + 1, "tlsca/cert.pem")};
	}
	assert_ok(emr_gateway_open(&options, &gateway));
	return gateway;
}

void live_fine(emr_status status, const emr_gateway_call *call)
{
	if (status != EMR_OK)
		fail_msg("%s, %s: %s (%s)", emr_gateway_stage_name(call->stage),
			emr_gateway_fault_name(call->fault), call->said, emr_status_text(status));
}

/* ---- a network of emrfs in one of Fabric ---- */

static cert_authority read_authority(void)
{
	cert_authority ca = {0};
	FILE *file = fopen(live_file(1, "ca/key.pem"), "re");
	BIO *bio = BIO_new_mem_buf(text_of(live_file(1, "ca/cert.pem")), -1);
	uint8_t *der = NULL;
	int len;

	assert_non_null(file);
	ca.key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	ca.cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	(void)fclose(file);
	(void)BIO_free(bio);
	assert_true(ca.key != NULL && ca.cert != NULL);
	len = i2d_X509(ca.cert, &der);
	assert_ok(emr_buf_append(&ca.der, der, (size_t)len));
	OPENSSL_free(der);
	return ca;
}

void live_certificate(uint64_t lasts_s, emr_buf *out)
{
	AUTO(cert_end) cert_authority ca = read_authority();
	/* Fabric looks whether it leads to the CA at its own beginning, so it cannot be older. */
	cert_wish wish = cert_person_wish("owner", (uint64_t)time(NULL));
	char org_hex[33], attrs[128];

	emr_hex(live.org.b, sizeof live.org.b, org_hex);
	(void)snprintf(attrs, sizeof attrs,
		"{\"attrs\":{\"emr.org\":\"%s\",\"emr.roles\":\"patient admin\"}}", org_hex);
	wish.attrs = attrs;
	wish.unit = "client"; /* without it no MSP with node OUs takes it */
	if (lasts_s > 0)
		wish.until = wish.from + lasts_s;
	cert_certify(&ca, &wish, live.k.owner.p256_spki, out);
}

static void describe(void)
{
	AUTO(cert_end) cert_authority ca = read_authority();
	emr_descriptor_org one = {.name = {(const uint8_t *)"hospital-a", 10},
		.msp = {(const uint8_t *)msp(1), strlen(msp(1))},
		.ca_der = {ca.der.data, ca.der.len}};
	emr_descriptor network = {.norg = 1,
		.created_unix_s = (uint64_t)time(NULL),
		.name = {(const uint8_t *)"live", 4}};
	emr_id16 nonce = emr_id16_random();

	memcpy(network.nonce, nonce.b, sizeof nonce.b);
	memcpy(one.org, live.org.b, sizeof live.org.b);
	memcpy(one.admin_pk, live.k.owner.pk, 32);
	assert_ok(emr_buf_append_zeros(&live.descriptor, 8192));
	assert_int_equal(emr_descriptor_encode(&network, &one, live.descriptor.data,
				 live.descriptor.len, &live.descriptor.len),
		EMR_CONTRACT_OK);
	emr_descriptor_net_id(
		(emr_span){live.descriptor.data, live.descriptor.len}, live.k.net_id.b);
}

static void begin(void)
{
	kit_begin(&live.k);
	kit_clock_set(&live.k.clock, (uint64_t)time(NULL));
	read_ports();
	live.org = emr_id16_random();
	live_certificate(0, &live.certificate);
	describe();
	assert_ok(msp_identity(live_file(1, "client/msp"), msp(1), &live.client));
	assert_ok(emr_gateway_identity_of_keyring(
		live.k.keyring, msp(1), emr_buf_view(&live.certificate), &live.owner));
	live.by_client = live_gateway(live.client, 1, 1);
	live.by_owner = live_gateway(live.owner, 1, 3);
}

int live_end(void **state)
{
	(void)state;
	emr_gateway_close(live.by_client);
	emr_gateway_close(live.by_owner);
	emr_gateway_identity_free(live.client);
	emr_gateway_identity_free(live.owner);
	emr_buf_free(&live.descriptor);
	emr_buf_free(&live.certificate);
	kit_end(&live.k);
	return 0;
}

emr_status live_register(emr_gateway *gateway, emr_gateway_call *call, emr_bytes batch,
	emr_buf *out_envelope, emr_gateway_answer *out_answer)
{
	emr_gateway_handed handed = {.submitter = live.k.owner.signer_id};

	assert_ok(emr_batch_sign_submit(live.k.keyring, live.k.net_id, batch, handed.signature));
	return emr_gateway_register(
		gateway, call, &handed, batch, (emr_bytes){0}, out_envelope, out_answer);
}

void live_send(emr_gateway *gateway, emr_bytes batch, emr_gateway_commit *out_commit)
{
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	EMR_AUTO_BUF envelope = {0};
	emr_gateway_answer answer;
	emr_status status;

	/* Two of one certificate's batches in one block may be counted in one row. */
	do {
		emr_buf_clear(&envelope);
		live_fine(live_register(gateway, &call, batch, &envelope, &answer), &call);
		if (answer.kind != EMR_OUTCOME_APPLIED)
			fail_msg("kind %d, refusal %d: %s", answer.kind, answer.refusal, call.said);
		for (uint16_t i = 0; i < answer.n_results; i++)
			assert_int_equal(answer.results[i], EMR_RESULT_APPLIED);
		status = emr_gateway_settle(
			gateway, &call, emr_buf_view(&envelope), false, out_commit);
	} while (status != EMR_OK && call.fault == EMR_GATEWAY_OVERTAKEN);
	live_fine(status, &call);
}

static void make_network(void)
{
	emr_bytes args[2] = {emr_bytes_of("genesis", 7), emr_buf_view(&live.descriptor)};
	emr_gateway_invocation invocation = {.args = args, .arg_count = 2};
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	EMR_AUTO_BUF envelope = {0};
	emr_gateway_commit commit;

	live_fine(emr_gateway_endorse(live.by_client, &call, &invocation, &envelope, NULL), &call);
	live_fine(
		emr_gateway_settle(live.by_client, &call, emr_buf_view(&envelope), false, &commit),
		&call);
	assert_true(commit.block > 0);
}

static emr_register who_owns(void)
{
	return (emr_register){.keyring = live.k.keyring,
		.net_id = live.k.net_id,
		.org = live.org,
		.roles = EMR_ROLE_PATIENT | EMR_ROLE_ORG_ADMIN,
		.name = ""};
}

static void send_act(emr_gateway *gateway, const emr_act *act, const emr_buf *part)
{
	EMR_AUTO_BATCH builder = NULL;
	EMR_AUTO_BUF batch = {0};
	emr_batch_options options = {.keyring = live.k.keyring,
		.signer = emr_signer_identity(),
		.net_id = live.k.net_id};
	const uint64_t now = (uint64_t)time(NULL);
	emr_operation operation = emr_act_operation(act, now, emr_buf_view(part));
	emr_gateway_commit commit;

	assert_ok(emr_batch_new(&options, &builder));
	assert_ok(emr_batch_add(builder, &operation, &live.key_item));
	assert_ok(emr_batch_finish(builder, now, 3600, &batch, NULL));
	live_send(gateway, emr_buf_view(&batch), &commit);
	live.key_version++;
}

static void make_owner(void)
{
	EMR_AUTO_BUF part = {0};
	emr_register who = who_owns();
	emr_act act;

	assert_ok(emr_register_certified(&who, emr_buf_view(&live.certificate), &act, &part));
	send_act(live.by_owner, &act, &part);
}

void live_renew(emr_gateway *gateway, emr_bytes certificate)
{
	EMR_AUTO_BUF part = {0};
	emr_register who = who_owns();
	emr_act act;

	assert_ok(emr_register_renew(&who, certificate, &act, &part));
	act.version = live.key_version + 1;
	act.prev = live.key_item;
	send_act(gateway, &act, &part);
}

static void make_domain(void)
{
	emr_batch_builder *b;
	EMR_AUTO_BUF made = {0};
	emr_gateway_commit commit;

	live.domain.id = emr_id16_random();
	b = kit_batch(&live.k, live.domain.id);
	kit_domain_into(&live.k, b, &live.domain);
	kit_finish(&live.k, b, &made);
	live_send(live.by_owner, emr_buf_view(&made), &commit);
}

int live_begin(void **state)
{
	(void)state;
	begin();
	make_network();
	make_owner();
	make_domain();
	return 0;
}

emr_buf live_batch(size_t count, emr_id16 *out_object)
{
	emr_batch_builder *b = kit_batch(&live.k, live.domain.id);
	emr_buf bytes = {0};

	kit_clock_set(&live.k.clock, (uint64_t)time(NULL));
	for (size_t i = 0; i < count; i++) {
		*out_object = emr_id16_random();
		(void)kit_put(b, &live.domain, *out_object, 1, (emr_id32){{0}});
	}
	kit_finish(&live.k, b, &bytes);
	return bytes;
}

void live_observe(emr_gateway *gateway, emr_chain *chain, emr_gateway_position *position)
{
	emr_gateway_call call = emr_gateway_call_of(LIVE_PATIENCE_MS, -1);
	emr_ledger_trouble trouble = {0};
	uint64_t height = 0;
	emr_status status;

	do {
		status = emr_observe(gateway, &call, chain, emr_buf_view(&live.descriptor),
			position, 64, &height, &trouble);
		if (status != EMR_OK)
			fail_msg("%s, entry %llu: %s; %s (%s)", emr_status_text(status),
				(unsigned long long)trouble.seq, trouble.cause,
				emr_gateway_fault_name(call.fault), call.said);
	} while (position->next_block < height);
}

/* ---- many computers ---- */

void live_client_open(live_client *c)
{
	emr_host_options options = {.gateway = c->gateway,
		.submitter = live.k.keyring,
		.descriptor = emr_buf_view(&live.descriptor),
		.dirfd = c->dirfd};

	c->status = emr_host_open(&options, &c->ledger);
}

live_client *live_clients_new(size_t count)
{
	live_client *all = calloc(count, sizeof *all);

	assert_non_null(all);
	for (size_t i = 0; i < count; i++) {
		char path[128];

		(void)snprintf(path, sizeof path, "%s/client-XXXXXX", live.k.base);
		assert_non_null(mkdtemp(path));
		all[i].number = (int)i;
		all[i].dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(all[i].dirfd >= 0);
		all[i].gateway = live_gateway(live.owner, 1 + (int)(i % 3), 3);
		live_client_open(&all[i]);
		assert_ok(all[i].status);
	}
	return all;
}

void live_clients_free(live_client *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		emr_ledger_close(all[i].ledger);
		emr_gateway_close(all[i].gateway);
		emr_buf_free(&all[i].batch);
		free(all[i].told);
		(void)close(all[i].dirfd);
	}
	free(all);
}

void live_clients_run(live_client *all, size_t count, void *(*work)(void *))
{
	EMR_AUTO_FREE pthread_t *threads = calloc(count, sizeof *threads);

	assert_non_null(threads);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &all[i]), 0);
	for (size_t i = 0; i < count; i++)
		(void)pthread_join(threads[i], NULL);
	for (size_t i = 0; i < count; i++)
		if (all[i].status != EMR_OK)
			fail_msg("client %zu: %s", i, emr_status_text(all[i].status));
}
