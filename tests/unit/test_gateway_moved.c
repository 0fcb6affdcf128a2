/* These tests are about the ledger of a directory, as it comes out of the blocks of a channel: a
 * member who reads it there has what a reader of the directory has, and nobody gets in by it whom
 * the directory would not have let in. */

#include "contract/rows.h"
#include "gateway/observer.h"
#include "ledger/act.h"
#include "ledger/act_send.h"
#include "ledger_kit.h"
#include "replica/people.h"

#define ENTRIES 6 /* the beginning, the key, the domain, a save, two of the move */

static kit k;
static kit_domain domain;
static emr_chain *chain;
static emr_ledger_trouble trouble;

/* Followed first, as each act names what the rows had before. */
static void send(emr_replica *replica, emr_act act)
{
	uint8_t code = EMR_RESULT_FORMAT;

	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_follow(replica, k.owner.signer_id, &act));
	assert_ok(emr_act_send(k.keyring, k.ledger, &act, (emr_bytes){0}, &k.clock.clock, &code));
	assert_int_equal(code, EMR_RESULT_APPLIED);
}

static void move(void)
{
	emr_pub_org_propose what = {.kind = EMR_PROPOSAL_MOVE, .not_after_unix_s = KIT_NOW + 1000};
	AUTO(emr_replica_auto) emr_replica *replica = kit_replica(&k);
	emr_id16 proposal = emr_id16_random(), org;
	emr_known_person me;

	memset(what.subject, 0x55, sizeof what.subject);
	assert_ok(emr_replica_catch_up(replica, NULL, NULL, NULL));
	assert_ok(emr_replica_person(replica, k.owner.signer_id, &me));
	memcpy(org.b, me.row.org, sizeof org.b);
	send(replica, emr_act_propose(proposal, &what));
	send(replica, emr_act_approve_proposal(proposal, org));
}

AROUND(begin)
{
	EMR_AUTO_BUF bytes = {0};
	emr_batch_builder *b;
	emr_ledger_answer answer;

	kit_new(&k);
	domain = kit_domain_new(&k);
	b = kit_batch(&k, domain.id);
	(void)kit_put(b, &domain, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, b, &bytes);
	assert_ok(emr_ledger_submit(k.ledger, emr_buf_view(&bytes), &answer));
	move();
	assert_ok(emr_chain_open_temporary(&chain));
	assert_ok(emr_chain_begin(chain));
	assert_ok(emr_chain_append_genesis(chain, emr_ledger_descriptor(k.ledger)));
	assert_ok(emr_chain_commit(chain));
}

AROUND(end)
{
	emr_chain_close(chain);
	kit_end(&k);
}

typedef struct kept {
	emr_buf entry, items;
} kept;

static emr_status keep(void *arg, const emr_ledger_entry *entry)
{
	kept *one = arg;

	assert_ok(emr_buf_append(&one->entry, entry->entry.data, entry->entry.len));
	assert_ok(emr_buf_append(&one->items, entry->items.data, entry->items.len));
	return EMR_OK;
}

static emr_status parts(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	(void)arg;
	return emr_ledger_fetch(k.ledger, keys, n, fn, fn_arg);
}

static emr_status no_parts(
	void *arg, const emr_part_key *keys, size_t n, emr_ledger_part_fn fn, void *fn_arg)
{
	(void)arg;
	(void)keys;
	(void)n;
	(void)fn;
	(void)fn_arg;
	return EMR_OK;
}

/* Entry SEQ of the directory, as a block brings it, with byte AT of it (0: none) changed. */
static emr_status observe(uint64_t seq, size_t at, emr_chain_fetch_fn fetch)
{
	kept one = {.entry = {0}, .items = {0}};
	size_t n = 0;
	emr_gateway_entry entry = {.block = 7};
	emr_status status;

	assert_ok(emr_ledger_entries(k.ledger, seq, 1, keep, &one, &n));
	assert_int_equal(n, 1);
	if (at > 0)
		one.entry.data[at] ^= 1;
	entry.moved = emr_buf_view(&one.entry);
	entry.batch = emr_buf_view(&one.items);
	assert_ok(emr_chain_begin(chain));
	status = emr_observe_entry(
		chain, emr_ledger_descriptor(k.ledger), &entry, fetch, NULL, &trouble);
	if (status == EMR_OK)
		assert_ok(emr_chain_commit(chain));
	else
		emr_chain_rollback(chain);
	emr_buf_free(&one.entry);
	emr_buf_free(&one.items);
	return status;
}

static void follow_to(uint64_t size)
{
	for (uint64_t seq = 1; seq < size; seq++)
		assert_ok(observe(seq, 0, parts));
}

TEST_IN(begin, end, the_blocks_give_what_the_directory_gave)
{
	uint8_t here[32], there[32], digest[32];
	emr_chain *own;
	int dir = open(k.network, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	follow_to(ENTRIES);
	assert_ok(emr_chain_open(dir, "ledger.sqlite", EMR_CHAIN_SHARED, false, 10000, &own));
	(void)close(dir);
	assert_ok(emr_chain_root(chain, ENTRIES, here));
	assert_ok(emr_chain_root(own, ENTRIES, there));
	assert_memory_equal(here, there, 32);
	assert_ok(emr_chain_digest(chain, here));
	assert_ok(emr_chain_digest(own, digest));
	assert_memory_equal(here, digest, 32);
	assert_ok(emr_chain_begin_read(chain));
	assert_ok(emr_chain_verify(chain, emr_ledger_descriptor(k.ledger), false, &trouble));
	emr_chain_rollback(chain);
	emr_chain_close(own);
	assert_ok(observe(2, 0, parts)); /* read again, as behind a kill */
}

TEST_IN(begin, end, what_nobody_signed_there_is_taken_from_no_block)
{
	const struct {
		size_t at;
		emr_status status;
	} lies[] = {{5, EMR_DAMAGED} /* the host */,
		{15, EMR_FORK} /* its number, of one that was read */,
		{72, EMR_DAMAGED} /* the one before */, {120, EMR_DAMAGED} /* its batch */,
		{312, EMR_DAMAGED} /* the signature */, {376, EMR_DAMAGED} /* a result */};

	follow_to(3);
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
		assert_status(lies[i].status, observe(3, lies[i].at, parts));
	assert_status(EMR_DAMAGED, observe(4, 0, parts)); /* before its turn */
	assert_ok(observe(3, 0, parts));
	assert_status(EMR_FORK, observe(3, 23, parts)); /* at another time than was read */
}

/* A peer may still bring the part: nothing is damaged, and it is asked again. */
TEST_IN(begin, end, a_registration_waits_for_its_part)
{
	assert_status(EMR_OFFLINE, observe(1, 0, no_parts));
	assert_ok(observe(1, 0, parts));
}

TEST_IN(begin, end, no_batch_of_the_channel_counts_before_the_directory_has_ended)
{
	EMR_AUTO_BUF bytes = {0};
	emr_batch_builder *b = kit_batch(&k, domain.id);
	emr_gateway_entry entry = {.block = 7, .ledger_time_unix_s = KIT_NOW + 5};
	static const uint8_t results[1] = {0};

	follow_to(ENTRIES - 1);
	(void)kit_put(b, &domain, emr_id16_random(), 1, (emr_id32){{0}});
	kit_finish(&k, b, &bytes);
	entry.submitter = k.owner.signer_id;
	entry.batch = emr_bytes_of(
		bytes.data, EMR_HEADER_BYTES + EMR_ITEM_BYTES + emr_op_pub_len(EMR_OP_PUT));
	entry.results = emr_bytes_of(results, 1);
	assert_ok(emr_chain_begin(chain));
	assert_status(EMR_DAMAGED, emr_observe_entry(chain, emr_ledger_descriptor(k.ledger), &entry,
					   no_parts, NULL, &trouble));
	emr_chain_rollback(chain);
	assert_string_equal(trouble.cause, "the entry has another number or host");
}

TEST_IN(begin, end, a_ledger_that_was_brought_to_another_channel_is_not_followed)
{
	uint8_t genesis[32];

	memset(genesis, 0x66, sizeof genesis);
	follow_to(ENTRIES - 1);
	assert_ok(emr_observe_channel(chain, genesis, &trouble));
	assert_ok(observe(ENTRIES - 1, 0, parts));
	assert_status(EMR_FORK, emr_observe_channel(chain, genesis, &trouble));
	assert_status(EMR_FORK, emr_observe_channel(chain, NULL, &trouble));
	memset(genesis, 0x55, sizeof genesis);
	assert_ok(emr_observe_channel(chain, genesis, &trouble));
}

TESTS(NULL, NULL)
