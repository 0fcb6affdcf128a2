/* The client against real peers and orderers (examples/network/fabric, fresh): a network of emrfs
 * begins there, an owner with a certificate of the hospital's CA registers batches through the
 * gateway, rows, parts and events are what was registered, and what is refused, repeated or
 * interrupted has no second effect.  It also says how fast that was, and kills a peer in the end.
 */
#include "ledger_kit.h"

#include <openssl/pem.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "cert_kit.h"
#include "contract/item.h"
#include "contract/rows.h"
#include "crypto/hashsig.h"
#include "gateway/host.h"
#include "gateway/observer.h"
#include "ledger/register.h"

#define PATIENCE_MS 300000
#define MSP "Emr1MSP"
#define YEAR_S UINT64_C(31536000)

static const char *net;
static int ports[3];
static kit k;
static emr_buf descriptor, certificate;
static emr_id16 org;
static emr_gateway_identity *client, *owner;
static emr_gateway *by_client, *by_owner;
static kit_domain domain;

/* Of an organisation; of 0: of the network. */
static char *file_of(int number, const char *name)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];

	if (number == 0)
		(void)snprintf(path, sizeof paths[0], "%s/%s", net, name);
	else
		(void)snprintf(path, sizeof paths[0], "%s/%d/%s", net, number, name);
	return path;
}

static void read_ports(void)
{
	FILE *file = fopen(file_of(0, "net"), "re");
	char line[128];

	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL) {
		for (int i = 0; i < 3; i++) {
			char name[16];

			(void)snprintf(name, sizeof name, "peer_%d=", i + 1);
			if (strncmp(line, name, strlen(name)) == 0)
				ports[i] = atoi(line + strlen(name));
		}
	}
	(void)fclose(file);
	assert_true(ports[0] > 0 && ports[1] > 0 && ports[2] > 0);
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
static emr_gateway *open_for(const emr_gateway_identity *identity, int first, size_t count)
{
	char addresses[3][64];
	emr_gateway_endpoint endpoints[3];
	const char *authorities[] = {MSP, text_of(file_of(1, "ca/cert.pem")), "Emr2MSP",
		text_of(file_of(2, "ca/cert.pem")), "Emr3MSP", text_of(file_of(3, "ca/cert.pem")),
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
			addresses[i], sizeof addresses[i], "https://127.0.0.1:%d", ports[who]);
		endpoints[i] = (emr_gateway_endpoint){
			.address = addresses[i], .ca_file = file_of(who + 1, "tlsca/cert.pem")};
	}
	assert_ok(emr_gateway_open(&options, &gateway));
	return gateway;
}

static void assert_fine(emr_status status, const emr_gateway_call *call)
{
	if (status != EMR_OK)
		fail_msg("%s, %s: %s (%s)", emr_gateway_stage_name(call->stage),
			emr_gateway_fault_name(call->fault), call->said, emr_status_text(status));
}

/* ---- a network of emrfs in one of Fabric ---- */

static void make_certificate(void)
{
	cert_authority ca = {0};
	uint64_t now = (uint64_t)time(NULL);
	/* Fabric looks whether it leads to the CA at its own beginning, so it cannot be older. */
	cert_wish wish = cert_person_wish("owner", now);
	char org_hex[33], attrs[128];
	FILE *file = fopen(file_of(1, "ca/key.pem"), "re");
	BIO *bio = BIO_new_mem_buf(text_of(file_of(1, "ca/cert.pem")), -1);
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
	emr_hex(org.b, sizeof org.b, org_hex);
	(void)snprintf(attrs, sizeof attrs,
		"{\"attrs\":{\"emr.org\":\"%s\",\"emr.roles\":\"patient\"}}", org_hex);
	wish.attrs = attrs;
	wish.unit = "client"; /* without it no MSP with node OUs takes it */
	cert_certify(&ca, &wish, k.owner.p256_spki, &certificate);

	emr_descriptor_org one = {.name = {(const uint8_t *)"hospital-a", 10},
		.msp = {(const uint8_t *)MSP, strlen(MSP)},
		.ca_der = {ca.der.data, ca.der.len}};
	emr_descriptor network = {
		.norg = 1, .created_unix_s = now, .name = {(const uint8_t *)"live", 4}};
	emr_id16 nonce = emr_id16_random();

	memcpy(network.nonce, nonce.b, sizeof nonce.b);
	memcpy(one.org, org.b, sizeof org.b);
	memcpy(one.admin_pk, k.owner.pk, 32);
	assert_ok(emr_buf_append_zeros(&descriptor, 8192));
	assert_int_equal(emr_descriptor_encode(
				 &network, &one, descriptor.data, descriptor.len, &descriptor.len),
		EMR_CONTRACT_OK);
	emr_descriptor_net_id((emr_span){descriptor.data, descriptor.len}, k.net_id.b);
	cert_end(&ca);
}

static int begin(void **state)
{
	(void)state;
	kit_begin(&k);
	kit_clock_set(&k.clock, (uint64_t)time(NULL));
	read_ports();
	org = emr_id16_random();
	make_certificate();
	assert_ok(emr_gateway_identity_of_msp(file_of(1, "client/msp"), MSP, &client));
	assert_ok(emr_gateway_identity_of_keyring(
		k.keyring, MSP, emr_buf_view(&certificate), &owner));
	by_client = open_for(client, 1, 1);
	by_owner = open_for(owner, 1, 3);
	return 0;
}

static int end(void **state)
{
	(void)state;
	emr_gateway_close(by_client);
	emr_gateway_close(by_owner);
	emr_gateway_identity_free(client);
	emr_gateway_identity_free(owner);
	emr_buf_free(&descriptor);
	emr_buf_free(&certificate);
	kit_end(&k);
	return 0;
}

static void the_network_begins_once(void **state)
{
	emr_bytes args[2] = {emr_bytes_of("genesis", 7), emr_buf_view(&descriptor)};
	emr_gateway_invocation invocation = {.args = args, .arg_count = 2};
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF envelope = {0};
	emr_gateway_commit commit;

	(void)state;
	assert_fine(emr_gateway_endorse(by_client, &call, &invocation, &envelope, NULL), &call);
	assert_fine(emr_gateway_settle(by_client, &call, emr_buf_view(&envelope), false, &commit),
		&call);
	assert_true(commit.block > 0);
	assert_status(EMR_IO, emr_gateway_endorse(by_client, &call, &invocation, &envelope, NULL));
	assert_string_equal(emr_gateway_fault_name(call.fault), "chaincode");
	assert_non_null(strstr(call.said, "this network has begun already"));
}

static void register_batch(emr_gateway *gateway, emr_bytes batch, emr_gateway_commit *out_commit)
{
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF envelope = {0};
	static emr_gateway_answer answer;

	assert_fine(emr_gateway_register(gateway, &call, k.owner.signer_id, batch, (emr_bytes){0},
			    &envelope, &answer),
		&call);
	if (answer.kind != EMR_OUTCOME_APPLIED)
		fail_msg("kind %d, refusal %d: %s", answer.kind, answer.refusal, call.said);
	for (uint16_t i = 0; i < answer.n_results; i++)
		assert_int_equal(answer.results[i], EMR_RESULT_APPLIED);
	assert_fine(emr_gateway_settle(gateway, &call, emr_buf_view(&envelope), false, out_commit),
		&call);
}

static void the_owner_registers_with_his_certificate(void **state)
{
	EMR_AUTO_BATCH builder = NULL;
	EMR_AUTO_BUF part = {0}, batch = {0};
	emr_register who = {.keyring = k.keyring,
		.net_id = k.net_id,
		.org = org,
		.roles = EMR_ROLE_PATIENT,
		.name = ""};
	emr_batch_options options = {
		.keyring = k.keyring, .signer = emr_signer_identity(), .net_id = k.net_id};
	uint64_t now = emr_clock_unix_s(&k.clock.clock);
	emr_gateway_commit commit;
	emr_operation operation;
	emr_id32 item_id;
	emr_act act;

	(void)state;
	assert_ok(emr_register_certified(&who, emr_buf_view(&certificate), &act, &part));
	assert_ok(emr_batch_new(&options, &builder));
	operation = emr_act_operation(&act, now, emr_buf_view(&part));
	assert_ok(emr_batch_add(builder, &operation, &item_id));
	assert_ok(emr_batch_finish(builder, now, 3600, &batch, NULL));
	register_batch(by_owner, emr_buf_view(&batch), &commit);
}

static emr_status keep_row(void *arg, size_t index, emr_bytes value)
{
	(void)index;
	return value.data == NULL ? EMR_NOT_FOUND : emr_buf_append(arg, value.data, value.len);
}

static emr_buf batch_of(size_t count, emr_id16 *out_object)
{
	emr_batch_builder *b = kit_batch(&k, domain.id);
	emr_buf bytes = {0};

	kit_clock_set(&k.clock, (uint64_t)time(NULL));
	for (size_t i = 0; i < count; i++) {
		*out_object = emr_id16_random();
		(void)kit_put(b, &domain, *out_object, 1, (emr_id32){{0}});
	}
	kit_finish(&k, b, &bytes);
	emr_batch_free(b);
	return bytes;
}

typedef struct seen {
	emr_gateway_part_state state;
	emr_buf bytes;
} seen;

static emr_status keep_part(void *arg, size_t index, emr_gateway_part_state state, emr_bytes part)
{
	seen *s = arg;

	s[index].state = state;
	emr_buf_clear(&s[index].bytes);
	return part.len > 0 ? emr_buf_append(&s[index].bytes, part.data, part.len) : EMR_OK;
}

static void rows_and_parts_are_what_was_registered(void **state)
{
	emr_batch_builder *b;
	EMR_AUTO_BUF made = {0}, batch = {0}, row = {0};
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	emr_gateway_commit commit;
	emr_id16 object;
	emr_key_text keys[3];
	const char *texts[3] = {keys[0].text, keys[1].text, keys[2].text};
	const char *domain_key[1] = {keys[0].text};
	seen parts[2] = {{.bytes = {0}}, {.bytes = {0}}};
	emr_batch *parsed = malloc(sizeof *parsed);

	(void)state;
	assert_non_null(parsed);
	domain.id = emr_id16_random();
	b = kit_batch(&k, domain.id);
	kit_domain_into(&k, b, &domain);
	kit_finish(&k, b, &made);
	emr_batch_free(b);
	register_batch(by_owner, emr_buf_view(&made), &commit);
	emr_key_domain(domain.id.b, &keys[0]);
	assert_fine(emr_gateway_rows(by_owner, &call, domain_key, 1, keep_row, &row), &call);
	assert_true(row.len > 48);

	batch = batch_of(3, &object);
	register_batch(by_owner, emr_buf_view(&batch), &commit);
	emr_key_part(EMR_FAMILY_OBJECT, domain.id.b, object.b, 1, &keys[0]);
	emr_key_part(EMR_FAMILY_OBJECT, domain.id.b, object.b, 2, &keys[1]);
	assert_fine(emr_gateway_parts(by_owner, &call, texts, 2, keep_part, parts), &call);
	assert_int_equal(
		emr_batch_parse((emr_span){batch.data, batch.len}, parsed), EMR_RESULT_APPLIED);
	assert_int_equal(parts[0].state, EMR_GATEWAY_PART_HERE);
	assert_true(emr_bytes_equal(emr_buf_view(&parts[0].bytes),
		emr_bytes_of(parsed->items[2].part.data, parsed->items[2].part.len)));
	assert_int_equal(parts[1].state, EMR_GATEWAY_PART_UNKNOWN);
	emr_buf_free(&parts[0].bytes);
	emr_buf_free(&parts[1].bytes);
	free(parsed);
}

static void an_erased_part_is_purged_and_not_merely_missing(void **state)
{
	emr_batch_builder *b = kit_batch(&k, domain.id);
	EMR_AUTO_BUF batch = {0}, erasure = {0};
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	emr_gateway_commit commit;
	emr_id16 object = emr_id16_random();
	emr_key_text key;
	const char *text = key.text;
	seen part = {.bytes = {0}};
	emr_id32 item = kit_put(b, &domain, object, 1, (emr_id32){{0}});

	(void)state;
	kit_finish(&k, b, &batch);
	emr_batch_free(b);
	register_batch(by_owner, emr_buf_view(&batch), &commit);
	b = kit_batch(&k, domain.id);
	item = kit_unlink(b, &domain, object, 2, item);
	(void)kit_erase(b, &domain, object, 3, item, 1, 1);
	kit_finish(&k, b, &erasure);
	emr_batch_free(b);
	register_batch(by_owner, emr_buf_view(&erasure), &commit);
	emr_key_part(EMR_FAMILY_OBJECT, domain.id.b, object.b, 1, &key);
	assert_fine(emr_gateway_parts(by_owner, &call, &text, 1, keep_part, &part), &call);
	assert_int_equal(part.state, EMR_GATEWAY_PART_PURGED);
	emr_buf_free(&part.bytes);
}

static void the_same_batch_again_is_known_and_a_strangers_is_refused(void **state)
{
	EMR_AUTO_BUF envelope = {0}, batch = {0};
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	static emr_gateway_answer answer;
	emr_gateway_commit commit;
	emr_id16 object;

	(void)state;
	batch = batch_of(2, &object);
	register_batch(by_owner, emr_buf_view(&batch), &commit);
	assert_fine(emr_gateway_register(by_owner, &call, k.owner.signer_id, emr_buf_view(&batch),
			    (emr_bytes){0}, &envelope, &answer),
		&call);
	assert_int_equal(answer.kind, EMR_OUTCOME_KNOWN);
	assert_int_equal(answer.n_results, 2);
	assert_int_equal(envelope.len, 0);
	emr_buf_clear(&batch);
	emr_buf_free(&batch);
	batch = batch_of(1, &object);
	assert_fine(emr_gateway_register(by_client, &call, k.owner.signer_id, emr_buf_view(&batch),
			    (emr_bytes){0}, &envelope, &answer),
		&call);
	assert_int_equal(answer.kind, EMR_OUTCOME_REFUSED);
	assert_int_equal(answer.refusal, EMR_RESULT_SUBMITTER);
	batch.data[EMR_HEADER_BYTES - 1] ^= 1;
	assert_fine(emr_gateway_register(by_owner, &call, k.owner.signer_id, emr_buf_view(&batch),
			    (emr_bytes){0}, &envelope, &answer),
		&call);
	assert_int_equal(answer.refusal, EMR_RESULT_SIGNATURE);
}

/* The envelope is kept before it is sent; whoever comes back with it has one effect, also when it
 * was sent twice, and also through another organisation's gateway. */
static void a_transaction_that_was_interrupted_is_ended_by_its_envelope(void **state)
{
	EMR_AUTO_BUF envelope = {0}, batch = {0};
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	static emr_gateway_answer answer;
	emr_gateway_commit first, again;
	emr_gateway *elsewhere = open_for(owner, 2, 1);
	emr_id16 object;

	(void)state;
	batch = batch_of(1, &object);
	assert_fine(emr_gateway_register(by_owner, &call, k.owner.signer_id, emr_buf_view(&batch),
			    (emr_bytes){0}, &envelope, &answer),
		&call);
	assert_int_equal(answer.kind, EMR_OUTCOME_APPLIED);
	assert_fine(emr_gateway_submit(by_owner, &call, emr_buf_view(&envelope)), &call);
	/* Orderers by BFT call it a failure when some have put it into a block already. */
	(void)emr_gateway_submit(elsewhere, &call, emr_buf_view(&envelope));
	assert_true(call.is_open);
	assert_fine(
		emr_gateway_settle(elsewhere, &call, emr_buf_view(&envelope), true, &first), &call);
	assert_fine(
		emr_gateway_settle(by_owner, &call, emr_buf_view(&envelope), true, &again), &call);
	assert_int_equal(first.block, again.block);
	emr_gateway_close(elsewhere);
}

/* Two proposals on the same row, both endorsed before either is committed: one is overtaken, and
 * its batch is then judged anew. */
static void who_is_overtaken_is_told_and_can_propose_anew(void **state)
{
	emr_buf envelopes[2] = {{0}, {0}}, batches[2] = {{0}, {0}};
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	static emr_gateway_answer answer;
	emr_gateway_commit commit;
	emr_id16 object = emr_id16_random();

	(void)state;
	for (int i = 0; i < 2; i++) {
		emr_batch_builder *b = kit_batch(&k, domain.id);

		(void)kit_put(b, &domain, object, 1, (emr_id32){{0}});
		kit_finish(&k, b, &batches[i]);
		emr_batch_free(b);
		assert_fine(
			emr_gateway_register(by_owner, &call, k.owner.signer_id,
				emr_buf_view(&batches[i]), (emr_bytes){0}, &envelopes[i], &answer),
			&call);
		assert_int_equal(answer.results[0], EMR_RESULT_APPLIED);
	}
	assert_fine(
		emr_gateway_settle(by_owner, &call, emr_buf_view(&envelopes[0]), false, &commit),
		&call);
	assert_status(EMR_CONFLICT,
		emr_gateway_settle(by_owner, &call, emr_buf_view(&envelopes[1]), false, &commit));
	assert_string_equal(emr_gateway_fault_name(call.fault), "overtaken");
	assert_false(call.is_open);
	emr_buf_clear(&envelopes[1]);
	assert_fine(emr_gateway_register(by_owner, &call, k.owner.signer_id,
			    emr_buf_view(&batches[1]), (emr_bytes){0}, &envelopes[1], &answer),
		&call);
	assert_int_equal(answer.kind, EMR_OUTCOME_APPLIED);
	assert_int_equal(answer.results[0], EMR_RESULT_CONFLICT);
	for (int i = 0; i < 2; i++) {
		emr_buf_free(&envelopes[i]);
		emr_buf_free(&batches[i]);
	}
}

typedef struct listener {
	int fd;
	uint64_t wanted_block, last_block;
	size_t events;
	emr_id32 batch_id;
} listener;

static emr_status hear(void *arg, const emr_gateway_event *event)
{
	listener *l = arg;
	uint64_t one = 1;

	l->last_block = event->block;
	if (event->is_block_end)
		return event->block >= l->wanted_block && write(l->fd, &one, sizeof one) < 0
			       ? EMR_IO
			       : EMR_OK;
	l->events++;
	assert_true(emr_bytes_equal(event->name, emr_bytes_of("batch", 5)));
	assert_true(event->payload.len > sizeof l->batch_id);
	memcpy(l->batch_id.b, event->payload.data, sizeof l->batch_id.b);
	return EMR_OK;
}

static void events_tell_which_batches_were_entered(void **state)
{
	EMR_AUTO_BUF batch = {0};
	emr_gateway_commit commit;
	emr_id16 object;
	emr_id32 id;
	listener l = {.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	emr_gateway_call call = emr_gateway_call_of(0, l.fd);

	(void)state;
	batch = batch_of(1, &object);
	emr_batch_id(batch.data, id.b);
	register_batch(by_owner, emr_buf_view(&batch), &commit);
	l.wanted_block = commit.block;
	assert_status(EMR_INTERRUPTED, emr_gateway_events(by_owner, &call, 1, hear, &l));
	assert_true(l.events >= 5);
	assert_int_equal(l.last_block, commit.block);
	assert_memory_equal(l.batch_id.b, id.b, sizeof id.b);
	(void)close(l.fd);
}

typedef struct reading {
	size_t entries, items;
	emr_id32 last_batch;
	uint64_t last_block;
} reading;

static emr_status read_entry(void *arg, const emr_gateway_entry *entry)
{
	reading *r = arg;

	r->entries++;
	r->items += entry->results.len;
	r->last_block = entry->block;
	assert_true(entry->batch.len > EMR_HEADER_BYTES);
	assert_memory_equal(entry->submitter.b, k.owner.signer_id.b, sizeof entry->submitter.b);
	assert_true(emr_bytes_equal(entry->creator, emr_gateway_identity_creator(owner)));
	emr_batch_id(entry->batch.data, r->last_batch.b);
	return EMR_OK;
}

static void read_all(emr_gateway *gateway, emr_gateway_position *position, reading *out)
{
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	uint64_t height = 0;

	do
		assert_fine(
			emr_gateway_entries(gateway, &call, position, 7, read_entry, out, &height),
			&call);
	while (position->next_block < height);
}

/* Every organisation's peer has the same blocks and calls the same transactions valid. */
static void all_entries_are_read_from_the_blocks_of_each_peer(void **state)
{
	emr_gateway_position first = {0}, position, forked;
	reading all = {0}, more = {0};
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF batch = {0};
	emr_gateway_commit commit;
	emr_id16 object;
	emr_id32 id;

	(void)state;
	read_all(by_client, &first, &all);
	assert_true(all.entries >= 8);
	batch = batch_of(3, &object);
	emr_batch_id(batch.data, id.b);
	register_batch(by_owner, emr_buf_view(&batch), &commit);
	forked = first;
	read_all(by_client, &first, &more);
	assert_int_equal(more.entries, 1);
	assert_int_equal(more.items, 3);
	assert_int_equal(more.last_block, commit.block);
	assert_memory_equal(more.last_batch.b, id.b, sizeof id.b);
	for (int peer = 2; peer <= 3; peer++) {
		emr_gateway *other = open_for(owner, peer, 1);
		reading same = {0};

		position = (emr_gateway_position){0};
		while (position.next_block < first.next_block)
			read_all(other, &position, &same);
		assert_memory_equal(&position, &first, sizeof first);
		assert_int_equal(same.entries, all.entries + 1);
		emr_gateway_close(other);
	}
	forked.hash[0] ^= 1;
	assert_status(EMR_FORK,
		emr_gateway_entries(by_client, &call, &forked, 1, read_entry, &more, NULL));
	assert_string_equal(emr_gateway_fault_name(call.fault), "other-history");
	position = first;
	position.next_block += 1000;
	assert_status(EMR_ROLLBACK,
		emr_gateway_entries(by_client, &call, &position, 1, read_entry, &more, NULL));
}

typedef struct comparing {
	emr_gateway *gateway;
	size_t rows;
} comparing;

typedef struct wanted_row {
	emr_bytes value;
} wanted_row;

static emr_status same_row(void *arg, size_t index, emr_bytes value)
{
	const wanted_row *want = arg;

	(void)index;
	return emr_bytes_equal(value, want->value) ? EMR_OK : EMR_DAMAGED;
}

static emr_status compare_row(
	void *arg, const char *key, emr_bytes value, uint64_t seq, uint64_t entry_time)
{
	comparing *c = arg;
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	wanted_row want = {.value = value};

	(void)seq;
	(void)entry_time;
	c->rows++;
	if (emr_gateway_rows(c->gateway, &call, &key, 1, same_row, &want) != EMR_OK)
		fail_msg("%s is otherwise at the peer: %s", key, call.said);
	return EMR_OK;
}

static void observe_all(emr_gateway *gateway, emr_chain *chain, emr_gateway_position *position)
{
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	emr_ledger_trouble trouble = {0};
	uint64_t height = 0;
	emr_status status;

	do {
		status = emr_observe(gateway, &call, chain, emr_buf_view(&descriptor), position, 5,
			&height, &trouble);
		if (status != EMR_OK)
			fail_msg("%s, entry %llu: %s; %s (%s)", emr_status_text(status),
				(unsigned long long)trouble.seq, trouble.cause,
				emr_gateway_fault_name(call.fault), call.said);
	} while (position->next_block < height);
}

/* The contract judges every batch again, from the blocks of one peer and of another; tree and state
 * are the same, and the rows those of the peers. */
static void whoever_observes_has_the_same_log_and_the_peers_rows(void **state)
{
	EMR_AUTO_CHAIN one = NULL;
	EMR_AUTO_CHAIN other = NULL;
	static const char *const prefixes[] = {"N", "M/", "K/", "D/", "E/", "L/", "O/"};
	emr_gateway *elsewhere = open_for(owner, 3, 1);
	emr_gateway_position position = {0}, other_position = {0}, again = {0};
	comparing rows = {.gateway = by_client};
	uint8_t digests[2][32], roots[2][32], leaf[32];
	uint64_t size = 0, seq = 0;
	EMR_AUTO_BUF batch = {0};
	emr_gateway_commit commit;
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	emr_ledger_trouble trouble;
	emr_id16 object;
	emr_id32 id;

	(void)state;
	assert_ok(emr_chain_open_temporary(&one));
	assert_ok(emr_chain_open_temporary(&other));
	observe_all(by_client, one, &position);
	batch = batch_of(2, &object);
	emr_batch_id(batch.data, id.b);
	register_batch(by_owner, emr_buf_view(&batch), &commit);
	observe_all(by_client, one, &position);
	while (other_position.next_block < position.next_block)
		observe_all(elsewhere, other, &other_position);
	observe_all(by_client, one, &again); /* whoever has lost his place begins anew */
	assert_memory_equal(&again, &position, sizeof position);
	assert_ok(emr_chain_size(one, &size));
	assert_true(size >= 10);
	assert_ok(emr_chain_root(one, size, roots[0]));
	assert_ok(emr_chain_root(other, size, roots[1]));
	assert_memory_equal(roots[0], roots[1], 32);
	assert_ok(emr_chain_digest(one, digests[0]));
	assert_ok(emr_chain_digest(other, digests[1]));
	assert_memory_equal(digests[0], digests[1], 32);
	assert_ok(emr_chain_find_batch(one, id.b, &seq));
	assert_int_equal(seq, size - 1);
	assert_ok(emr_chain_leaf(one, seq, leaf));
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		assert_ok(emr_chain_each_row(one, prefixes[i], compare_row, &rows));
	assert_true(rows.rows >= 8);
	/* Of another network it makes nothing. */
	descriptor.data[descriptor.len - 1] ^= 1;
	assert_status(EMR_FORK, emr_observe(by_client, &call, one, emr_buf_view(&descriptor),
					&position, 1, NULL, &trouble));
	descriptor.data[descriptor.len - 1] ^= 1;
	emr_gateway_close(elsewhere);
}

/* ---- the ledger as every part of emrfs sees it ---- */

static emr_ledger *open_host(void)
{
	emr_host_options options = {.gateway = by_owner,
		.submitter = k.keyring,
		.descriptor = emr_buf_view(&descriptor),
		.dirfd = k.state_fd,
		.timeout_ms = PATIENCE_MS};
	emr_ledger *ledger = NULL;

	assert_ok(emr_host_open(&options, &ledger));
	return ledger;
}

static emr_status count_entry(void *arg, const emr_ledger_entry *entry)
{
	uint64_t *next = arg;

	assert_int_equal(entry->seq, (*next)++);
	return EMR_OK;
}

static emr_status take_part(void *arg, size_t index, emr_bytes part)
{
	(void)index;
	return part.data == NULL ? EMR_NOT_FOUND : emr_buf_append(arg, part.data, part.len);
}

static void the_handle_of_a_ledger_submits_reads_and_proves(void **state)
{
	EMR_AUTO_LEDGER ledger = open_host();
	EMR_AUTO_BUF batch = {0};
	EMR_AUTO_BUF part = {0};
	static emr_ledger_answer first, again;
	emr_batch *parsed = malloc(sizeof *parsed);
	emr_ledger_proof proof = {0};
	emr_ledger_trouble trouble;
	emr_ledger_change change;
	emr_id16 object;
	emr_part_key key;
	uint64_t size = 0, seq = 0, next = 0;
	size_t n = 0;

	(void)state;
	assert_non_null(parsed);
	batch = batch_of(3, &object);
	assert_int_equal(
		emr_batch_parse((emr_span){batch.data, batch.len}, parsed), EMR_RESULT_APPLIED);
	assert_ok(emr_ledger_submit(ledger, emr_buf_view(&batch), &first));
	assert_int_equal(first.refusal, 0);
	assert_int_equal(first.n_results, 3);
	assert_false(first.is_repeat);
	assert_ok(emr_ledger_submit(ledger, emr_buf_view(&batch), &again));
	assert_true(again.is_repeat);
	assert_int_equal(again.seq, first.seq);
	assert_int_equal(again.ledger_time, first.ledger_time);
	assert_ok(emr_ledger_size(ledger, &size));
	assert_int_equal(size, first.seq + 1);
	assert_ok(emr_ledger_find_batch(ledger, first.batch_id, &seq));
	assert_int_equal(seq, first.seq);
	assert_ok(emr_ledger_entries(ledger, 0, 1000, count_entry, &next, &n));
	assert_int_equal(n, size);
	assert_ok(emr_ledger_changes(ledger, &domain.id, 0, &change));
	assert_int_equal(change.last_seq, first.seq);
	assert_ok(emr_ledger_prove(ledger, first.seq, 2, size, &proof));
	emr_ledger_proof_free(&proof);
	key = (emr_part_key){
		.domain = domain.id, .object = object, .version = 1, .family = EMR_FAMILY_OBJECT};
	assert_ok(emr_ledger_fetch(ledger, &key, 1, take_part, &part));
	assert_true(emr_bytes_equal(emr_buf_view(&part),
		emr_bytes_of(parsed->items[2].part.data, parsed->items[2].part.len)));
	free(parsed);
	assert_ok(emr_ledger_verify(ledger, &trouble));
	batch.data[EMR_HEADER_BYTES - 1] ^= 1;
	batch.data[60] ^= 1;
	assert_ok(emr_ledger_submit(ledger, emr_buf_view(&batch), &first));
	assert_true(first.refusal != 0);
	emr_ledger_close(ledger);
	ledger = open_host();
	assert_ok(emr_ledger_size(ledger, &seq));
	assert_int_equal(seq, size);
}

/* The envelope was kept, and then the power went, before or after it was sent: the same bytes get
 * their answer, by the transaction that was signed then. */
static void a_batch_on_its_way_at_a_power_cut_is_entered_once(void **state)
{
	emr_ledger *ledger;

	(void)state;
	for (int was_sent = 0; was_sent < 2; was_sent++) {
		EMR_AUTO_BUF batch = {0};
		EMR_AUTO_BUF envelope = {0};
		emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
		static emr_gateway_answer judged;
		static emr_ledger_answer answer;
		char name[80] = "envelope-", tx_id[EMR_GATEWAY_TX_ID_BYTES];
		emr_gateway_position position = {0};
		emr_gateway_commit commit;
		reading all = {0};
		emr_id16 object;
		emr_id32 id;

		batch = batch_of(1, &object);
		emr_batch_id(batch.data, id.b);
		emr_hex(id.b, sizeof id.b, name + strlen(name));
		assert_fine(emr_gateway_register(by_owner, &call, k.owner.signer_id,
				    emr_buf_view(&batch), (emr_bytes){0}, &envelope, &judged),
			&call);
		memcpy(tx_id, call.tx_id, sizeof tx_id);
		assert_ok(emr_file_create(k.state_fd, name, emr_buf_view(&envelope), 0600));
		if (was_sent != 0)
			assert_fine(emr_gateway_submit(by_owner, &call, emr_buf_view(&envelope)),
				&call);
		ledger = open_host();
		assert_ok(emr_ledger_submit(ledger, emr_buf_view(&batch), &answer));
		assert_int_equal(answer.n_results, 1);
		assert_int_equal(faccessat(k.state_fd, name, F_OK, 0), -1);
		emr_ledger_close(ledger);
		assert_fine(emr_gateway_commit_status(by_owner, &call, tx_id, &commit), &call);
		assert_int_equal(commit.validation, 0);
		read_all(by_owner, &position, &all);
		assert_memory_equal(all.last_batch.b, id.b, sizeof id.b);
	}
}

static void *submit_later(void *arg)
{
	EMR_AUTO_BUF batch = {0};
	emr_gateway_commit commit;
	emr_id16 object;

	(void)arg;
	batch = batch_of(1, &object);
	register_batch(by_owner, emr_buf_view(&batch), &commit);
	return NULL;
}

static void *wake_it(void *arg)
{
	emr_ledger_wake(arg);
	return NULL;
}

static void who_waits_hears_of_the_next_entry_or_is_woken(void **state)
{
	EMR_AUTO_LEDGER ledger = open_host();
	uint64_t size = 0, later = 0;
	pthread_t thread;

	(void)state;
	assert_ok(emr_ledger_size(ledger, &size));
	assert_status(EMR_TIMEOUT, emr_ledger_wait(ledger, size, 50, &later));
	assert_int_equal(pthread_create(&thread, NULL, submit_later, NULL), 0);
	assert_ok(emr_ledger_wait(ledger, size, PATIENCE_MS, &later));
	assert_int_equal(later, size + 1);
	(void)pthread_join(thread, NULL);
	assert_int_equal(pthread_create(&thread, NULL, wake_it, ledger), 0);
	assert_status(EMR_INTERRUPTED, emr_ledger_wait(ledger, later, PATIENCE_MS, &size));
	(void)pthread_join(thread, NULL);
}

static void a_wrong_channel_is_called_by_its_name(void **state)
{
	const char *address_key[1] = {"N"};
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	EMR_AUTO_BUF row = {0};
	char address[64];
	emr_gateway_endpoint endpoint = {
		.address = address, .ca_file = file_of(1, "tlsca/cert.pem")};
	emr_gateway_options options = {.endpoints = &endpoint,
		.endpoint_count = 1,
		.channel = "elsewhere",
		.chaincode = "emrfs",
		.identity = client,
		.version = "0"};
	emr_gateway *gateway = NULL;

	(void)state;
	(void)snprintf(address, sizeof address, "https://127.0.0.1:%d", ports[0]);
	assert_ok(emr_gateway_open(&options, &gateway));
	assert_status(
		EMR_OFFLINE, emr_gateway_rows(gateway, &call, address_key, 1, keep_row, &row));
	assert_string_equal(emr_gateway_fault_name(call.fault), "unavailable");
	emr_gateway_close(gateway);
	endpoint.ca_file = file_of(1, "ca/cert.pem");
	options.channel = "emrfs";
	assert_ok(emr_gateway_open(&options, &gateway));
	assert_status(EMR_DENIED, emr_gateway_rows(gateway, &call, address_key, 1, keep_row, &row));
	assert_string_equal(emr_gateway_fault_name(call.fault), "tls");
	emr_gateway_close(gateway);
}

static void kill_peer(int number)
{
	char name[32];
	FILE *file;
	int pid = 0;

	(void)snprintf(name, sizeof name, "peer-%d.pid", number);
	file = fopen(file_of(0, name), "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	(void)fclose(file);
	assert_int_equal(kill(pid, SIGKILL), 0);
}

/* The one that was asked until now, with connections that lie idle, is gone from one moment to the
 * next.  Endorsers may still count on it for some seconds: then the same batch is proposed again.
 */
static void the_next_gateway_takes_over_from_a_peer_that_is_killed(void **state)
{
	EMR_AUTO_BUF batch = {0}, envelope = {0};
	emr_gateway_call call = emr_gateway_call_of(PATIENCE_MS, -1);
	static emr_gateway_answer answer;
	emr_gateway_commit commit;
	emr_gateway_position position = {0};
	reading all = {0};
	emr_id16 object;
	emr_id32 id;
	emr_status status;
	int tries = 0;

	(void)state;
	batch = batch_of(2, &object);
	emr_batch_id(batch.data, id.b);
	kill_peer(1);
	do {
		call.timeout_ms = 5000;
		status = emr_gateway_register(by_owner, &call, k.owner.signer_id,
			emr_buf_view(&batch), (emr_bytes){0}, &envelope, &answer);
	} while (status != EMR_OK && emr_status_may_pass(status) && ++tries < 60);
	assert_fine(status, &call);
	assert_int_equal(answer.kind, EMR_OUTCOME_APPLIED);
	assert_true(call.endpoint > 0);
	call.timeout_ms = PATIENCE_MS;
	assert_fine(emr_gateway_settle(by_owner, &call, emr_buf_view(&envelope), false, &commit),
		&call);
	read_all(by_owner, &position, &all);
	assert_memory_equal(all.last_batch.b, id.b, sizeof id.b);
}

/* ---- how fast ---- */

typedef struct worker {
	emr_buf *batches;
	size_t count;
	double worst_s;
} worker;

static double now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *work(void *arg)
{
	worker *w = arg;

	for (size_t i = 0; i < w->count; i++) {
		double began = now_s(), took;
		emr_gateway_commit commit;

		register_batch(by_owner, emr_buf_view(&w->batches[i]), &commit);
		took = now_s() - began;
		w->worst_s = took > w->worst_s ? took : w->worst_s;
	}
	return NULL;
}

static void measure(size_t items, size_t threads, size_t each)
{
	pthread_t ids[64];
	worker workers[64] = {{0}};
	double began, took, worst = 0;
	emr_id16 object;

	for (size_t i = 0; i < threads; i++) {
		workers[i].count = each;
		workers[i].batches = calloc(each, sizeof *workers[i].batches);
		for (size_t j = 0; j < each; j++)
			workers[i].batches[j] = batch_of(items, &object);
	}
	began = now_s();
	for (size_t i = 0; i < threads; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, work, &workers[i]), 0);
	for (size_t i = 0; i < threads; i++) {
		(void)pthread_join(ids[i], NULL);
		worst = workers[i].worst_s > worst ? workers[i].worst_s : worst;
	}
	took = now_s() - began;
	printf("%zu at once, %zu a batch: %.1f batches/s, %.0f registrations/s, worst %.2f s\n",
		threads, items, (double)(threads * each) / took,
		(double)(threads * each * items) / took, worst);
	for (size_t i = 0; i < threads; i++) {
		for (size_t j = 0; j < each; j++)
			emr_buf_free(&workers[i].batches[j]);
		free(workers[i].batches);
	}
}

static void batches_are_registered_side_by_side(void **state)
{
	(void)state;
	measure(1, 1, 4);
	measure(1, 32, 4);
	measure(100, 1, 4);
	measure(100, 16, 4);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_network_begins_once),
		cmocka_unit_test(the_owner_registers_with_his_certificate),
		cmocka_unit_test(rows_and_parts_are_what_was_registered),
		cmocka_unit_test(an_erased_part_is_purged_and_not_merely_missing),
		cmocka_unit_test(the_same_batch_again_is_known_and_a_strangers_is_refused),
		cmocka_unit_test(a_transaction_that_was_interrupted_is_ended_by_its_envelope),
		cmocka_unit_test(who_is_overtaken_is_told_and_can_propose_anew),
		cmocka_unit_test(events_tell_which_batches_were_entered),
		cmocka_unit_test(all_entries_are_read_from_the_blocks_of_each_peer),
		cmocka_unit_test(whoever_observes_has_the_same_log_and_the_peers_rows),
		cmocka_unit_test(the_handle_of_a_ledger_submits_reads_and_proves),
		cmocka_unit_test(a_batch_on_its_way_at_a_power_cut_is_entered_once),
		cmocka_unit_test(who_waits_hears_of_the_next_entry_or_is_woken),
		cmocka_unit_test(a_wrong_channel_is_called_by_its_name),
		cmocka_unit_test(batches_are_registered_side_by_side),
		cmocka_unit_test(the_next_gateway_takes_over_from_a_peer_that_is_killed),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: gateway_live NETWORK\n");
		return 2;
	}
	net = argv[1];
	return cmocka_run_group_tests(tests, begin, end);
}
