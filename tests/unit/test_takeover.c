/* These tests are about records that go to another network: what the ledgers there and here take of
 * them, and what was erased or put back meanwhile. A mount is asked for all that stays as it was
 * (join.sh, network_leave.sh). */
#include "view_kit.h"

#include "contract/codes.h"
#include "keyring/cert.h"
#include "ledger/network.h"
#include "invite_kit.h"
#include "settle/takeover.h"

/* Ana's folder, and another network of which she is a member. */
typedef struct world {
	kit k;
	emr_keyring *hospital;
	char network[300], state[300];
	int state_fd;
	emr_ledger *ledger;
	emr_replica *replica;
	emr_facts *facts;
	emr_takeover takeover;
} world;

static size_t most_items; /* that the ledger takes in one batch; 0: any number */
static unsigned too_large;

WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch,
	emr_ledger_answer *out_answer)
{
	bool is_large = most_items > 0 && kit_batch_count(batch) > most_items;

	too_large += is_large;
	return is_large ? EMR_LIMIT : __real_emr_ledger_submit(ledger, batch, out_answer);
}

static uint64_t now(const world *w)
{
	return (uint64_t)(w->k.clock.unix_ns / 1000000000);
}

static bool is_mine(void *arg, emr_id16 domain, emr_bytes d_row)
{
	emr_domain_public mine;

	return d_row.len >= 32 && emr_keyring_domain_public(arg, domain, 1, 1, &mine) == EMR_OK &&
	       memcmp(mine.owner_pk, d_row.data, 32) == 0;
}

static void open_other(world *w, emr_keyring *keyring)
{
	emr_ledger_options ledger = {
		.path = w->network, .clock = &w->k.clock.clock, .submitter = keyring};
	emr_replica_options replica = {
		.clock = &w->k.clock.clock, .is_mine = is_mine, .is_mine_arg = keyring};

	assert_ok(emr_ledger_open(&ledger, &w->ledger));
	replica.ledger = w->ledger;
	replica.state_dirfd = w->state_fd;
	assert_ok(emr_replica_open(&replica, &w->replica));
	assert_ok(emr_replica_catch_up(w->replica, NULL, NULL, NULL));
	assert_ok(emr_facts_new(keyring, w->replica, w->k.stack.records, &w->facts));
	w->takeover = (emr_takeover){.keyring = w->k.stack.keyring,
		.from = {w->k.stack.ledger, w->k.stack.replica, w->k.stack.facts},
		.to = {w->ledger, w->replica, w->facts},
		.clock = &w->k.clock.clock};
}

static void close_other(world *w)
{
	emr_facts_free(w->facts);
	emr_replica_close(w->replica);
	emr_ledger_close(w->ledger);
}

static void become_member(world *w)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF reply = {0};
	EMR_AUTO_BUF cert = {0};
	emr_invitation invitation;
	emr_id32 signer;

	assert_ok(invite_by_first(w->hospital, emr_ledger_descriptor(w->ledger), EMR_ROLE_PATIENT,
		now(w) + 600, &bytes, &invitation));
	assert_ok(emr_invitation_read(emr_buf_view(&bytes), &invitation));
	assert_ok(emr_welcome_reply(w->k.stack.keyring, &invitation, "patient-ANA", &reply));
	assert_ok(certify_by_first(w->hospital, &invitation, emr_buf_view(&reply), NULL, now(w),
		86400 * 400, &cert, &signer));
	assert_ok(emr_welcome_register(w->k.stack.keyring, &invitation, emr_buf_view(&cert), "",
		w->ledger, &w->k.clock.clock));
}

static void settle(world *w)
{
	kit_publish_all(&w->k);
	kit_wait_ms(&w->k, 20000);
}

static void settle_ok(world *w)
{
	settle(w);
	assert_string_equal(kit_attribute(&w->k, "more", "user.emrfs.state"), "confirmed 1/1");
}

static void fill(world *w)
{
	kit_mkdir(&w->k, "Imaging");
	kit_mkdir(&w->k, "Imaging/Old");
	kit_text(&w->k, "Imaging/Old/CT.pdf", "ct");
	settle(w);
}

static int begin(void **state)
{
	static world the_world;
	world *w = &the_world;
	emr_network_new network = {.handle = "org-AAAA", .name = "Sao Lucas", .path = w->network};
	emr_id16 net_id;

	memset(w, 0, sizeof *w);
	kit_open(&w->k);
	fill(w);
	assert_ok(emr_keyring_create(EMR_KEYRING_PERSON, now(w), &w->hospital));
	snprintf(w->network, sizeof w->network, "%.200s/other", w->k.path);
	snprintf(w->state, sizeof w->state, "%.200s/joining", w->k.path);
	assert_int_equal(mkdir(w->state, 0700), 0);
	w->state_fd = open(w->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	network.keyring = w->hospital;
	network.clock = &w->k.clock.clock;
	assert_ok(emr_network_create(&network, &net_id, NULL));
	open_other(w, w->k.stack.keyring);
	become_member(w);
	*state = w;
	return 0;
}

static int end(void **state)
{
	world *w = *state;

	close_other(w);
	close(w->state_fd);
	emr_keyring_free(w->hospital);
	kit_close(&w->k);
	return 0;
}

static uint64_t take(world *w)
{
	emr_takeover_tally tally;

	assert_ok(emr_takeover_run(&w->takeover, &tally));
	return tally.sent;
}

TEST_IN(begin, end, what_was_changed_or_erased_meanwhile_is_so_there)
{
	world *w = *state;
	const emr_erase what = {.path = "Imaging/Older/CT.pdf"};
	emr_part_key at = {.version = 1, .family = EMR_FAMILY_OBJECT};
	emr_replica_head head;
	EMR_AUTO_BUF part = {0};
	emr_erased erased;
	emr_place place;

	take(w);
	kit_text(&w->k, "Imaging/Old/CT.pdf", "another ct");
	kit_rename(&w->k, "Imaging/Old", "Imaging/Older");
	settle(w);
	assert_int_equal(take(w), 2);
	assert_ok(emr_view_place(w->k.view, "Imaging/Older/CT.pdf", &place));
	assert_ok(emr_view_erase(w->k.view, &what, &erased));
	kit_publish_all(&w->k);
	take(w);
	assert_ok(emr_replica_head_get(w->replica, place.domain, place.object, &head));
	assert_int_equal(head.state, EMR_OBJECT_ERASED);
	at.domain = place.domain;
	at.object = place.object;
	assert_status(EMR_NOT_FOUND, emr_replica_part(w->replica, &at, &part));
}

/* A channel of Fabric takes transactions up to a size that it alone knows. */
TEST_IN(begin, end, a_ledger_that_takes_small_batches_only_gets_smaller_ones)
{
	world *w = *state;
	emr_takeover_tally tally = {0};

	for (int i = 0; i < 24; i++) {
		char name[32];

		snprintf(name, sizeof name, "Imaging/%d.txt", i);
		kit_text(&w->k, name, name);
	}
	settle(w);
	most_items = 5;
	too_large = 0;
	assert_ok(emr_takeover_run(&w->takeover, &tally));
	most_items = 0;
	assert_true(too_large > 0);
	assert_true(tally.sent >= 24);
	assert_int_equal(take(w), 0);
}

/* The journal, which is sealed, remembers each ledger for itself. */
TEST_IN(begin, end, a_ledger_that_was_put_back_is_noticed_on_the_other_side_too)
{
	world *w = *state;
	emr_settle_options o = {.keyring = w->k.stack.keyring,
		.journal = w->k.stack.journal,
		.store = w->k.stack.store,
		.records = w->k.stack.records,
		.ledger = w->ledger,
		.replica = w->replica,
		.facts = w->facts,
		.clock = &w->k.clock.clock};
	emr_replica_position at, wrong;
	emr_settle *settle = NULL;

	take(w);
	assert_ok(emr_replica_at(w->replica, &at));
	for (int i = 0; i < 3; i++) {
		static const emr_status wanted[] = {EMR_OK, EMR_ROLLBACK, EMR_FORK};

		wrong = at;
		wrong.size += i == 1;
		wrong.root[0] ^= i == 2;
		assert_ok(emr_settle_expect(
			w->k.stack.journal, emr_ledger_net_id(w->ledger), &wrong));
		assert_ok(emr_settle_new(&o, &settle));
		assert_status(wanted[i], emr_settle_catch_up(settle, true));
		emr_settle_free(settle);
	}
	/* And the one before goes on as it was. */
	kit_text(&w->k, "more", "more");
	settle_ok(w);
}

TESTS(NULL, NULL)
