/* Records go to another network as they are, whatever comes between, and their past goes on being
 * readable. */
#include "view_kit.h"

#include "contract/codes.h"
#include "keyring/cert.h"
#include "ledger/network.h"
#include "invite_kit.h"
#include "settle/chronicle.h"
#include "settle/history.h"
#include "settle/takeover.h"
#include "settle/whose.h"

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

static int submits_left = -1; /* -1: all; then that many go through, and the next is lost on its
				 way, or its answer is */
static bool is_answer_lost;
static size_t most_items; /* that the ledger takes in one batch; 0: any number */
static unsigned too_large;

WRAPPED(emr_status, emr_ledger_submit, emr_ledger *ledger, emr_bytes batch,
	emr_ledger_answer *out_answer)
{
	bool is_large = most_items > 0 && kit_batch_count(batch) > most_items;
	emr_status status;

	too_large += is_large;
	if (is_large)
		return EMR_LIMIT;
	if (submits_left == 0 && !is_answer_lost)
		return EMR_IO;
	status = __real_emr_ledger_submit(ledger, batch, out_answer);
	if (submits_left == 0)
		return EMR_IO;
	submits_left -= submits_left > 0;
	return status;
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
	kit_mkdir(&w->k, "Gone");
	kit_text(&w->k, "Imaging/MRI.pdf", "first finding");
	kit_text(&w->k, "Imaging/Old/CT.pdf", "ct");
	kit_text(&w->k, "Gone/lost.txt", "lost and found");
	kit_text(&w->k, "letter", "dear");
	settle(w);
	kit_text(&w->k, "Imaging/MRI.pdf", "second finding");
	kit_rename(&w->k, "letter", "Imaging/letter.txt");
	settle(w);
	kit_text(&w->k, "Imaging/MRI.pdf", "third finding, longer");
	kit_unlink(&w->k, "Gone/lost.txt");
	kit_rmdir(&w->k, "Gone");
	settle(w);
}

static int begin(void **state)
{
	static world the_world;
	world *w = &the_world;
	emr_network_new network = {.handle = "org-AAAA", .name = "Sao Lucas", .path = w->network};
	emr_id16 net_id;

	memset(w, 0, sizeof *w);
	submits_left = -1;
	is_answer_lost = false;
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

/* ---- what there is, as text ---- */

#define TEXT_BYTES 8000

/* A line for each record. */
typedef struct picture {
	char text[TEXT_BYTES];
	emr_facts *facts;
	emr_record_ctx *records;
} picture;

static void draw(picture *p, const emr_place *place, const emr_meta *meta)
{
	size_t used = strlen(p->text);
	char object[33], record[33], root[73];
	emr_content_key *key = NULL;
	emr_whose whose;
	emr_content content = {0};

	emr_hex(place->object.b, 16, object);
	emr_hex(place->record_id.b, 16, record);
	emr_hex(place->root.b, 36, root);
	if (meta->type == EMR_META_FILE)
		assert_ok(emr_facts_open_signed(
			p->facts, (emr_bytes){0}, place, &content, &key, &whose));
	emr_content_key_free(key);
	snprintf(p->text + used, sizeof p->text - used, "%s %.*s %d %s v%d %s %d\n", object,
		(int)meta->name.len, (const char *)meta->name.data, (int)meta->mode, record,
		(int)place->cver, root, (int)content.n);
}

static int by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Records come in no order. */
static void sort_lines(char text[TEXT_BYTES])
{
	static char copy[TEXT_BYTES];
	char *lines[100], *rest = NULL;
	size_t n = 0;

	memcpy(copy, text, sizeof copy);
	for (char *line = strtok_r(copy, "\n", &rest); line != NULL;
		line = strtok_r(NULL, "\n", &rest))
		lines[n++] = line;
	qsort(lines, n, sizeof *lines, by_line);
	text[0] = 0;
	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), TEXT_BYTES - strlen(text), "%s\n", lines[i]);
}

static void draw_all(world *w, emr_facts *facts, picture *out)
{
	EMR_AUTO_FACTS_WALK all = emr_facts_all(facts);
	emr_place place;
	emr_meta meta;

	*out = (picture){.facts = facts, .records = w->k.stack.records};
	while (emr_facts_next(&all, &place, &meta))
		draw(out, &place, &meta);
	assert_ok(all.status);
	assert_int_equal(all.damaged, 0);
	sort_lines(out->text);
}

static void expect_same(world *w)
{
	static picture here, there;

	draw_all(w, w->k.stack.facts, &here);
	draw_all(w, w->facts, &there);
	assert_string_equal(here.text, there.text);
	assert_non_null(strstr(here.text, "MRI.pdf"));
}

static void expect_count(world *w, int wanted)
{
	EMR_AUTO_FACTS_WALK all = emr_facts_all(w->facts);
	emr_place place;
	emr_meta meta;
	int n = 0;

	while (emr_facts_next(&all, &place, &meta))
		n += meta.name.len > 0 && meta.name.data[0] >= '0' && meta.name.data[0] <= '9';
	assert_ok(all.status);
	assert_int_equal(all.damaged, 0);
	assert_int_equal(n, wanted);
}

static uint64_t take(world *w)
{
	emr_takeover_tally tally;

	assert_ok(emr_takeover_run(&w->takeover, &tally));
	return tally.sent;
}

TEST_IN(begin, end, a_second_run_says_nothing_again)
{
	world *w = *state;
	uint64_t before = 0, after = 0;

	take(w);
	assert_ok(emr_ledger_size(w->ledger, &before));
	assert_int_equal(take(w), 0);
	assert_ok(emr_ledger_size(w->ledger, &after));
	assert_int_equal(before, after);
}

TEST_IN(begin, end, what_went_on_meanwhile_is_brought_up_to_date)
{
	world *w = *state;

	take(w);
	kit_text(&w->k, "Imaging/MRI.pdf", "fourth");
	kit_rename(&w->k, "Imaging/letter.txt", "Imaging/Letter of May.txt");
	kit_unlink(&w->k, "Imaging/Old/CT.pdf");
	kit_text(&w->k, "new", "new");
	settle(w);
	assert_int_equal(take(w), 4);
	expect_same(w);
}

TEST_IN(begin, end, what_was_erased_meanwhile_is_erased_there)
{
	world *w = *state;
	const emr_erase what = {.path = "Imaging/Old/CT.pdf"};
	emr_part_key at = {.version = 1, .family = EMR_FAMILY_OBJECT};
	emr_replica_head head;
	EMR_AUTO_BUF part = {0};
	emr_erased erased;
	emr_place place;

	take(w);
	assert_ok(emr_view_place(w->k.view, "Imaging/Old/CT.pdf", &place));
	assert_ok(emr_view_erase(w->k.view, &what, &erased));
	kit_publish_all(&w->k);
	take(w);
	assert_ok(emr_replica_head_get(w->replica, place.domain, place.object, &head));
	assert_int_equal(head.state, EMR_OBJECT_ERASED);
	at.domain = place.domain;
	at.object = place.object;
	assert_status(EMR_NOT_FOUND, emr_replica_part(w->replica, &at, &part));
}

/* And cut off between two of them. */
TEST_IN(begin, end, more_than_one_batch_holds_goes_along)
{
	world *w = *state;
	emr_takeover_tally tally;

	kit_mkdir(&w->k, "Many");
	for (int i = 0; i < 520; i++) {
		kit_mkdir(&w->k, printed("Many/%d", i));
	}
	settle(w);
	submits_left = 6;
	assert_status(EMR_IO, emr_takeover_run(&w->takeover, &tally));
	submits_left = -1;
	take(w);
	assert_int_equal(take(w), 0);
	expect_count(w, 520);
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
	expect_same(w);
	a_second_run_says_nothing_again(state);
}

/* Wherever it is cut off, before a batch arrives or after it did, the next run ends it. */
TEST_IN(begin, end, it_may_be_interrupted_anywhere)
{
	world *w = *state;
	emr_takeover_tally tally;
	int cuts = 0;

	for (int answers = 0; answers < 2; answers++)
		for (int at = 0;; at++) {
			emr_status status;

			is_answer_lost = answers == 1;
			submits_left = at > 0 ? 1 : 0;
			status = emr_takeover_run(&w->takeover, &tally);
			submits_left = -1;
			if (status == EMR_OK)
				break;
			assert_status(EMR_IO, status);
			cuts++;
			assert_true(cuts < 100);
		}
	assert_true(cuts > 3);
	assert_int_equal(take(w), 0);
	expect_same(w);
}

/* ---- the past ---- */

typedef struct tale {
	char text[TEXT_BYTES];
} tale;

static void tell_chronicle(emr_facts *facts, emr_replica *replica, tale *out)
{
	emr_chronicle *chronicle = NULL;
	uint64_t damaged = 0;
	emr_event e;

	*out = (tale){{0}};
	assert_ok(emr_chronicle_new(facts, replica, &chronicle));
	assert_ok(emr_chronicle_catch_up(chronicle, &damaged));
	assert_int_equal(damaged, 0);
	{
		EMR_AUTO_EVENTS events = emr_chronicle_events(chronicle);

		while (emr_events_next(&events, &e)) {
			size_t used = strlen(out->text);

			snprintf(out->text + used, sizeof out->text - used, "%d %s %s v%d %d\n",
				e.deed, e.path, e.from != NULL ? e.from : "-", (int)e.cver,
				(int)(e.time_unix_s % 100000));
		}
	}
	emr_chronicle_free(chronicle);
}

static void tell_versions(emr_versions all, tale *out)
{
	emr_version v;

	*out = (tale){{0}};
	while (emr_versions_next(&all, &v)) {
		size_t used = strlen(out->text);

		snprintf(out->text + used, sizeof out->text - used, "%.*s v%d %d %s\n",
			(int)v.meta->name.len, (const char *)v.meta->name.data, (int)v.place.cver,
			(int)(v.time_unix_s % 100000), v.is_live ? "+" : "-");
	}
	assert_ok(all.status);
	emr_versions_end(&all);
}

static void tell_record(emr_facts *facts, emr_id16 record, tale *out)
{
	tell_versions(emr_facts_record_history(facts, record), out);
}

static void annex(world *w)
{
	emr_annex before = {w->k.stack.ledger, w->k.stack.replica, w->k.stack.facts, 0};
	emr_replica_position at;

	assert_ok(emr_replica_at(w->replica, &at));
	before.joined_size = at.size;
	emr_facts_set_annex(w->facts, &before);
}

TEST_IN(begin, end, no_block_of_an_old_version_is_let_go)
{
	world *w = *state;
	EMR_AUTO_BUF here = {0};
	EMR_AUTO_BUF there = {0};

	take(w);
	annex(w);
	assert_ok(emr_facts_bundles(w->k.stack.facts, false, NULL, &here));
	assert_ok(emr_facts_bundles(w->facts, false, NULL, &there));
	assert_int_equal(here.len, there.len);
	assert_true(here.len > 5 * sizeof(emr_pin));
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

TEST_IN(begin, end, erasing_reaches_the_ledger_before)
{
	world *w = *state;
	static tale there;
	emr_place place;

	assert_ok(emr_view_place(w->k.view, "Imaging/MRI.pdf", &place));
	take(w);
	annex(w);
	assert_ok(emr_side_erase(&w->takeover.from, w->k.stack.keyring, &w->k.clock.clock,
		place.domain, place.object));
	assert_ok(emr_side_erase(&w->takeover.to, w->k.stack.keyring, &w->k.clock.clock,
		place.domain, place.object));
	tell_record(w->facts, place.record_id, &there);
	assert_string_equal(there.text, "");
	tell_chronicle(w->facts, w->replica, &there);
	assert_null(strstr(there.text, "MRI.pdf v"));
	/* Once more is nothing. */
	assert_ok(emr_side_erase(&w->takeover.from, w->k.stack.keyring, &w->k.clock.clock,
		place.domain, place.object));
}

TESTS(NULL, NULL)
