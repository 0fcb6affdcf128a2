/* From where a ledger goes on after its host lost entries is believed as far as the host and an
 * administrator of each organisation have signed it, for this recovery and this chain. */
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include "folk_kit.h"
#include "ledger/chain.h"
#include "ledger/restart.h"

static const uint8_t seed[32] = {7};
static emr_id32 host_key;
#define RECOVERY 9
static emr_chain *chain; /* the network's ledger */
static emr_restart restart;

/* A note about the first SIZE entries of the chain, not signed: of recovery RECOVERY; 0: a head. */
static emr_checkpoint note_of(uint8_t recovery, uint64_t size)
{
	emr_checkpoint note = {.net_id = emr_ledger_net_id(ana.ledger), .size = size};

	note.recovery.b[0] = recovery;
	assert_ok(emr_chain_root(chain, size, note.root));
	return note;
}

static emr_checkpoint said_by(const member *m, uint8_t recovery, uint64_t size)
{
	emr_checkpoint note = note_of(recovery, size);

	assert_ok(emr_checkpoint_cosign(&note, m->keyring, now));
	return note;
}

static void hear(const emr_checkpoint *note)
{
	restart.heard[restart.n_heard++] = *note;
}

static void sign_by_host(const uint8_t with[32])
{
	restart.said.n_sigs = 0;
	assert_ok(emr_checkpoint_sign(&restart.said, with, now));
}

/* With SIZE entries; heard are ana and the boss, one entry before. */
static void make_restart(uint64_t size)
{
	emr_checkpoint note;

	restart = (emr_restart){.said = note_of(RECOVERY, size)};
	sign_by_host(seed);
	note = said_by(&ana, RECOVERY, size - 1);
	hear(&note);
	note = said_by(&boss, RECOVERY, size - 1);
	hear(&note);
}

static uint64_t entries(void)
{
	uint64_t size = 0;

	assert_ok(emr_chain_size(chain, &size));
	return size;
}

static int begin(void **state)
{
	uint8_t sk[64];
	int fd;

	if (folk_with_clinic(state) != 0)
		return -1;
	assert_applied(folk_register_in_clinic(&boss, EMR_ROLE_ORG_ADMIN, "Boss"));
	(void)crypto_sign_seed_keypair(host_key.b, sk, seed);
	fd = open(k.network, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_ok(emr_chain_open(fd, EMR_NETWORK_LEDGER, EMR_CHAIN_SHARED, false, 1000, &chain));
	(void)close(fd);
	make_restart(entries());
	return 0;
}

static int end(void **state)
{
	emr_chain_close(chain);
	return folk_end(state);
}

static emr_status read_restart(emr_bytes bytes, emr_restart *out)
{
	emr_reader reader = emr_reader_of(bytes);

	EMR_TRY(emr_restart_read(&reader, out));
	return reader.left == 0 ? EMR_OK : EMR_DAMAGED;
}

static emr_status check(void)
{
	/* emr_ledger_knows says so of it to a member. */
	if (emr_checkpoint_verify(&restart.said, emr_checkpoint_host_id(host_key.b), host_key.b) !=
		EMR_OK)
		return EMR_BAD_SIGNATURE;
	return emr_restart_check(&restart, chain);
}

TEST_IN(begin, end, a_restart_is_read_as_it_was_written_and_fits_its_ledger)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF again = {0};

	assert_ok(check());
	assert_ok(emr_restart_write(&restart, &bytes));
	memset(&restart, 0, sizeof restart);
	assert_ok(read_restart(emr_buf_view(&bytes), &restart));
	assert_int_equal(restart.said.sigs[0].time, now);
	assert_ok(check());
	assert_ok(emr_restart_write(&restart, &again));
	assert_true(emr_bytes_equal(emr_buf_view(&bytes), emr_buf_view(&again)));
}

TEST_IN(begin, end, no_changed_bit_of_a_restart_is_believed)
{
	EMR_AUTO_BUF bytes = {0};
	size_t read = 0;

	assert_ok(emr_restart_write(&restart, &bytes));
	for (size_t bit = 0; bit < bytes.len * 8; bit++) {
		bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (read_restart(emr_buf_view(&bytes), &restart) == EMR_OK) {
			read++;
			assert_int_not_equal(check(), EMR_OK);
		}
		bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(read > 0);
	for (size_t len = 0; len < bytes.len; len++)
		assert_status(EMR_DAMAGED, read_restart(emr_bytes_of(bytes.data, len), &restart));
}

/* Cosignatures of heads are everywhere, and each recovery has its own statements. */
TEST_IN(begin, end, no_other_note_is_taken_for_a_statement)
{
	const uint64_t size = restart.said.size - 1;
	const emr_checkpoint head = said_by(&boss, 0, size);
	const emr_checkpoint other = said_by(&boss, RECOVERY + 1, size);
	EMR_AUTO_BUF bytes = {0};

	/* Nor are their signatures in its place. */
	restart.heard[1].sigs[0] = head.sigs[0];
	assert_status(EMR_AWAITED, check());
	restart.heard[1].sigs[0] = other.sigs[0];
	assert_status(EMR_AWAITED, check());
	restart.heard[1] = other;
	assert_ok(emr_restart_write(&restart, &bytes));
	assert_status(EMR_DAMAGED, read_restart(emr_buf_view(&bytes), &restart));
	emr_buf_clear(&bytes);
	restart.heard[1] = head;
	assert_ok(emr_restart_write(&restart, &bytes));
	assert_status(EMR_DAMAGED, read_restart(emr_buf_view(&bytes), &restart));
}

TEST_IN(begin, end, each_organisation_has_to_be_heard_by_its_administrator)
{
	const emr_checkpoint lima_says = said_by(&lima, RECOVERY, restart.said.size - 1);

	restart.n_heard = 1;
	assert_status(EMR_AWAITED, check());
	hear(&lima_says);
	assert_status(EMR_AWAITED, check());
}

/* Whose administrator is gone, in the verifier's own copy, nobody can speak for. */
TEST_IN(begin, end, an_organisation_without_administrator_is_not_waited_for)
{
	restart.n_heard = 1;
	assert_applied(
		folk_say(&boss, emr_act_key_revoke(boss.public.signer_id, now, 0), folk_nothing()));
	assert_ok(check());
	restart.n_heard = 0;
	assert_status(EMR_AWAITED, check());
}

TEST_IN(begin, end, an_administrator_is_heard_about_what_the_ledger_has)
{
	restart.heard[1] = said_by(&boss, RECOVERY, entries()); /* of as many as it goes on with */
	assert_ok(check());
	make_restart(entries() - 1);
	restart.heard[1] = said_by(&boss, RECOVERY, entries()); /* of more */
	assert_status(EMR_AWAITED, check());
	restart.heard[1] = note_of(RECOVERY, restart.said.size - 1);
	restart.heard[1].root[0] ^= 1; /* of another chain */
	assert_ok(emr_checkpoint_cosign(&restart.heard[1], boss.keyring, now));
	assert_status(EMR_AWAITED, check());
}

TEST_IN(begin, end, only_the_host_restarts_and_only_on_this_chain)
{
	const uint8_t other[32] = {8};
	const emr_checkpoint good = restart.said;

	sign_by_host(other);
	assert_status(EMR_BAD_SIGNATURE, check());
	restart.said.root[0] ^= 1;
	sign_by_host(seed);
	assert_status(EMR_FORK, check());
	restart.said = good;
	restart.said.size++;
	sign_by_host(seed);
	assert_status(EMR_ROLLBACK, check());
}

TEST_IN(begin, end, restarts_follow_one_another)
{
	EMR_AUTO_BUF all = {0};
	emr_reader reader;

	assert_ok(emr_restart_write(&restart, &all));
	assert_ok(emr_restart_write(&restart, &all));
	reader = emr_reader_of(emr_buf_view(&all));
	assert_ok(emr_restart_read(&reader, &restart));
	assert_ok(emr_restart_read(&reader, &restart));
	assert_int_equal(reader.left, 0);
	assert_status(EMR_DAMAGED, emr_restart_read(&reader, &restart));
}

/* A host in recovery gathers what it was told, each in the place of the same one's older one. */
TEST_IN(begin, end, statements_are_kept_of_members_and_gathered_of_administrators)
{
	emr_checkpoint notes[] = {said_by(&ana, RECOVERY, 2), said_by(&boss, RECOVERY + 1, 2),
		said_by(&boss, RECOVERY, 2), said_by(&lima, RECOVERY, 2)};
	EMR_AUTO_FD dirfd = open(k.network, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_BUF text = {0};

	for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
		emr_buf_clear(&text);
		assert_ok(emr_checkpoint_format(&notes[i], &text));
		assert_ok(emr_restart_said_keep(dirfd, chain, emr_buf_view(&text)));
		if (i == 1) {
			assert_ok(emr_restart_said_gather(dirfd, chain, &restart));
			assert_int_equal(restart.n_heard, 1);
		}
	}
	assert_ok(emr_restart_said_gather(dirfd, chain, &restart));
	assert_int_equal(restart.n_heard, 2);
	assert_ok(check());
	/* One of the same recovery that was said before it is refused. */
	notes[2] = note_of(RECOVERY, 2);
	assert_ok(emr_checkpoint_cosign(&notes[2], boss.keyring, now - 1));
	emr_buf_clear(&text);
	assert_ok(emr_checkpoint_format(&notes[2], &text));
	assert_status(EMR_DENIED, emr_restart_said_keep(dirfd, chain, emr_buf_view(&text)));
	/* One that does not count is in nobody's place. */
	notes[2] = note_of(RECOVERY, 2);
	notes[2].root[0] ^= 1;
	assert_ok(emr_checkpoint_cosign(&notes[2], boss.keyring, now + 1));
	emr_buf_clear(&text);
	assert_ok(emr_checkpoint_format(&notes[2], &text));
	assert_ok(emr_restart_said_keep(dirfd, chain, emr_buf_view(&text)));
	assert_ok(emr_restart_said_gather(dirfd, chain, &restart));
	assert_int_equal(restart.n_heard, 1);
	notes[0].sigs[0].sig[0] ^= 1;
	emr_buf_clear(&text);
	assert_ok(emr_checkpoint_format(&notes[0], &text));
	assert_status(EMR_DENIED, emr_restart_said_keep(dirfd, chain, emr_buf_view(&text)));
}

static emr_status read_head(const emr_buf *bytes, emr_restart_head *out)
{
	emr_reader reader = emr_reader_of(emr_buf_view(bytes));

	EMR_TRY(emr_restart_head_read(&reader, out));
	return emr_reader_done(&reader) ? EMR_OK : EMR_DAMAGED;
}

/* The entry that is shown with it is under the head, or the head says nothing of a host's chain. */
TEST_IN(begin, end, a_head_shows_the_entry_that_it_stands_on)
{
	emr_checkpoint note = note_of(0, entries());
	EMR_AUTO_BUF text = {0};
	EMR_AUTO_BUF bytes = {0};
	emr_restart_head head;
	uint8_t leaf[32];

	assert_ok(emr_checkpoint_sign(&note, seed, now));
	assert_ok(emr_checkpoint_format(&note, &text));
	for (uint64_t at = 0; at <= note.size; at++) {
		uint64_t next = at;

		emr_buf_clear(&bytes);
		assert_ok(emr_restart_bring(emr_buf_view(&text), chain, &next, 0, &bytes));
		assert_int_equal(next, at);
		assert_ok(read_head(&bytes, &head));
		assert_int_equal(head.at, at);
		if (at == 0)
			continue;
		assert_ok(emr_chain_leaf(chain, at - 1, leaf));
		assert_memory_equal(head.leaf, leaf, 32);
		for (size_t i = 4 + text.len; i < bytes.len; i++) {
			bytes.data[i] ^= 1;
			assert_status(EMR_DAMAGED, read_head(&bytes, &head));
			bytes.data[i] ^= 1;
		}
	}
}

TESTS(NULL, NULL)
