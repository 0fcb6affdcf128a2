/* This file makes what the conformance tests of ledgers work with: a network in a directory of
 * its own, a clock that the test moves, and batches of domains and records. */
#include "ledger_kit.h"

#include <ftw.h>
#include <sqlite3.h>

#include "base/id.h"
#include "contract/item.h"
#include "contract/pubs.h"

static int64_t read_unix(const emr_clock *clock)
{
	return ((const kit_clock *)(const void *)clock)->unix_ns;
}

static int64_t read_boot(const emr_clock *clock)
{
	return ((const kit_clock *)(const void *)clock)->boot_ns;
}

void kit_clock_set(kit_clock *clock, uint64_t unix_s)
{
	clock->clock = (emr_clock){.unix_ns = read_unix, .boot_ns = read_boot};
	clock->unix_ns = (int64_t)unix_s * 1000000000;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void kit_remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

bool kit_on_disk;

void kit_begin(kit *k)
{
	memset(k, 0, sizeof *k);
	assert_ok(emr_base_init());
	kit_clock_set(&k->clock, KIT_NOW);
	/* In memory where possible: hundreds of flushes on a busy disk are most of a test's time.
	 */
	(void)snprintf(k->base, sizeof k->base, "%s/emr-ledger-XXXXXX",
		!kit_on_disk && access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(k->base));
	(void)snprintf(k->network, sizeof k->network, "%s/network", k->base);
	(void)snprintf(k->state, sizeof k->state, "%s/state", k->base);
	assert_int_equal(mkdir(k->state, 0700), 0);
	k->state_fd = open(k->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(k->state_fd >= 0);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, KIT_NOW, &k->keyring));
	assert_ok(emr_keyring_public(k->keyring, &k->owner));
}

static emr_ledger *open_embedded(kit *k)
{
	emr_ledger *ledger = NULL;
	emr_ledger_options options = {
		.path = k->network, .submitter = k->keyring, .clock = &k->clock.clock};

	assert_ok(emr_ledger_open(&options, &ledger));
	return ledger;
}

static void make_embedded(kit *k)
{
	emr_network_new options = {.path = k->network,
		.keyring = k->keyring,
		.name = "Silva",
		.handle = "ana@silva",
		.clock = &k->clock.clock};

	assert_ok(emr_network_create(&options, &k->net_id, NULL));
}

const kit_backend kit_embedded = {
	.name = "embedded", .make = make_embedded, .open = open_embedded, .is_files = true};
const kit_backend *kit_backend_in_use = &kit_embedded;

emr_ledger *kit_open(kit *k)
{
	return kit_backend_in_use->open(k);
}

void kit_new(kit *k)
{
	kit_begin(k);
	kit_backend_in_use->make(k);
	k->ledger = kit_open(k);
}

#define KEYFILE "keyring"
static const emr_kdf_cost cheap = {.passes = 1, .memory_bytes = (uint64_t)8 << 20};

void kit_save_keyring(kit *k)
{
	EMR_AUTO_FD fd = open(k->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_ok(emr_keyring_save_new(k->keyring, fd, KEYFILE, emr_bytes_of("kit", 3), &cheap));
}

void kit_load_keyring(kit *k, const char *base)
{
	EMR_AUTO_FD fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	memset(k, 0, sizeof *k);
	assert_ok(emr_base_init());
	kit_clock_set(&k->clock, KIT_NOW);
	(void)snprintf(k->base, sizeof k->base, "%s", base);
	(void)snprintf(k->network, sizeof k->network, "%s/network", k->base);
	assert_ok(emr_keyring_open(fd, KEYFILE, emr_bytes_of("kit", 3), &k->keyring, NULL));
	assert_ok(emr_keyring_public(k->keyring, &k->owner));
	k->ledger = kit_open(k);
	k->net_id = emr_ledger_net_id(k->ledger);
}

void kit_end(kit *k)
{
	emr_ledger_close(k->ledger);
	if (kit_backend_in_use->end != NULL)
		kit_backend_in_use->end(k);
	emr_keyring_free(k->keyring);
	(void)close(k->state_fd);
	kit_remove_tree(k->base);
}

emr_replica *kit_replica(kit *k)
{
	emr_replica *replica = NULL;
	emr_replica_options options = {
		.state_dirfd = k->state_fd, .ledger = k->ledger, .clock = &k->clock.clock};

	assert_ok(emr_replica_open(&options, &replica));
	return replica;
}

emr_batch_builder *kit_batch(kit *k, emr_id16 domain)
{
	emr_batch_builder *b = NULL;
	emr_batch_options options = {
		.keyring = k->keyring, .signer = emr_signer_domain(domain, 1), .net_id = k->net_id};

	assert_ok(emr_batch_new(&options, &b));
	return b;
}

emr_id32 kit_add(emr_batch_builder *b, uint8_t op, emr_id16 domain, emr_id16 object,
	uint64_t version, emr_id32 prev, emr_bytes pub, emr_bytes priv)
{
	emr_operation operation = {.op = op,
		.domain = domain,
		.object = object,
		.version = version,
		.prev = prev,
		.time = KIT_NOW,
		.epoch = op == EMR_OP_ERASE ? 0 : 1,
		.pub = pub,
		.priv = priv};
	emr_id32 id;

	assert_ok(emr_batch_add(b, &operation, &id));
	return id;
}

void kit_finish(kit *k, emr_batch_builder *b, emr_buf *out)
{
	assert_ok(emr_batch_finish(b, emr_clock_unix_s(&k->clock.clock), 3600, out, NULL));
	emr_batch_free(b);
}

emr_ledger_answer kit_send(kit *k, emr_batch_builder *b)
{
	EMR_AUTO_BUF bytes = {0};
	emr_ledger_answer answer;

	kit_finish(k, b, &bytes);
	assert_ok(emr_ledger_submit(k->ledger, emr_buf_view(&bytes), &answer));
	assert_int_equal(answer.refusal, 0);
	for (size_t i = 0; i < answer.n_results; i++)
		assert_int_equal(answer.results[i], EMR_RESULT_APPLIED);
	return answer;
}

/* SIZE bytes: a random salt, then a pattern. */
static emr_bytes part_of(uint8_t *out, size_t size)
{
	emr_id32 salt = emr_id32_random();

	memset(out, 0x5a, size);
	memcpy(out, salt.b, sizeof salt.b);
	return emr_bytes_of(out, size);
}

void kit_domain_into(kit *k, emr_batch_builder *b, kit_domain *d)
{
	emr_domain_public public;
	emr_pub_domain_new pub;
	uint8_t bytes[64];
	uint8_t part[32 + 96 + 32];
	emr_id16 listkey;
	emr_id32 signer = emr_batch_signer_id(b);

	assert_ok(emr_keyring_domain_public(k->keyring, d->id, 1, 1, &public));
	memcpy(pub.box, public.box, 32);
	memcpy(pub.A, public.A, 32);
	emr_pub_domain_new_encode(&pub, bytes);
	(void)kit_add(b, EMR_OP_DOMAIN_NEW, d->id, d->id, 1, (emr_id32){{0}},
		emr_bytes_of(bytes, 64), (emr_bytes){0});
	emr_object_listkey(signer.b, 1, listkey.b);
	d->listkey = kit_add(b, EMR_OP_LISTKEY, d->id, listkey, 1, (emr_id32){{0}}, (emr_bytes){0},
		part_of(part, sizeof part));
}

kit_domain kit_domain_new(kit *k)
{
	kit_domain d = {.id = emr_id16_random()};
	emr_batch_builder *b = kit_batch(k, d.id);

	kit_domain_into(k, b, &d);
	(void)kit_send(k, b);
	return d;
}

emr_id32 kit_put(
	emr_batch_builder *b, const kit_domain *d, emr_id16 object, uint64_t version, emr_id32 prev)
{
	uint8_t part[300 + 512 + 16];

	return kit_add(b, EMR_OP_PUT, d->id, object, version, prev, (emr_bytes){0},
		part_of(part, sizeof part));
}

emr_id32 kit_unlink(
	emr_batch_builder *b, const kit_domain *d, emr_id16 object, uint64_t version, emr_id32 prev)
{
	return kit_add(
		b, EMR_OP_UNLINK, d->id, object, version, prev, (emr_bytes){0}, (emr_bytes){0});
}

emr_id32 kit_erase(emr_batch_builder *b, const kit_domain *d, emr_id16 object, uint64_t version,
	emr_id32 prev, uint64_t from, uint64_t to)
{
	emr_pub_erase pub = {.family = EMR_FAMILY_OBJECT, .from_version = from, .to_version = to};
	uint8_t bytes[24];

	emr_pub_erase_encode(&pub, bytes);
	return kit_add(b, EMR_OP_ERASE, d->id, object, version, prev,
		emr_bytes_of(bytes, sizeof bytes), (emr_bytes){0});
}

void kit_fill(kit *k, const kit_domain *d, size_t n)
{
	while (n > 0) {
		size_t now = n < 500 ? n : 500;
		emr_batch_builder *b = kit_batch(k, d->id);
		for (size_t i = 0; i < now; i++)
			(void)kit_put(b, d, emr_id16_random(), 1, (emr_id32){{0}});
		(void)kit_send(k, b);
		n -= now;
	}
}

uint64_t kit_size(const kit *k)
{
	uint64_t size = 0;

	assert_ok(emr_ledger_size(k->ledger, &size));
	return size;
}

void kit_sound(const kit *k)
{
	emr_ledger_trouble trouble = {0};
	emr_status status = emr_ledger_verify(k->ledger, &trouble);

	if (status != EMR_OK)
		fail_msg("%s at entry %llu: %s", emr_status_text(status),
			(unsigned long long)trouble.seq, trouble.cause);
}

void kit_sql(const char *dir, const char *file, const char *text)
{
	sqlite3 *db = NULL;
	char *error = NULL;

	assert_int_equal(sqlite3_open(printed("%s/%s", dir, file), &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", text, error);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}
