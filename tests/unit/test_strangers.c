/* These tests show what a thief does with a stolen computer of ana's before ana removes it: a
 * friend of the thief becomes a manager, a reader, and an epoch begins with the friend's key.
 * Everything here is signed by the stolen computer's own key and taken by the ledger. */
#include "agents_kit.h"
#include "pen_kit.h"
#include "strangers_kit.h"

#include "contract/codes.h"
#include "keyring/coowned.h"
#include "keyring/grant.h"
#include "keyring/letters.h"
#include "ledger/act.h"
#include "replica/people.h"
#include "share/devices.h"
#include "rotated.h"

static emr_id16 lets_read(person *m, const person *whom)
{
	emr_id16 grant = emr_id16_random();
	emr_pub_grant terms = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1,
		.not_before_unix_s = story_now(&s),
		.not_after_unix_s = story_now(&s) + 300 * DAY};

	memcpy(terms.grantee, whom->public.signer_id.b, sizeof terms.grantee);
	assert_int_equal(
		says(m, emr_act_grant(s.imaging, grant, 1, &terms), 210 + 512), EMR_RESULT_APPLIED);
	return grant;
}

/* The epoch that begins; *OUT_KEY is his, and the caller's. */
static uint32_t begins_epoch(person *m, emr_epoch_key **out_key)
{
	uint32_t epoch = imaging_row().head.epoch + 1;
	emr_act act = {
		.op = EMR_OP_EPOCH, .domain = s.imaging, .object = s.imaging, .epoch = epoch};

	assert_ok(emr_keyring_epoch_key(m->keyring, s.imaging, epoch, out_key));
	emr_epoch_key_public(*out_key, act.pub);
	assert_int_equal(says(m, act, 113), EMR_RESULT_APPLIED);
	assert_int_equal(imaging_row().head.epoch, epoch);
	return epoch;
}

/* ---- an epoch of his ---- */

TEST_IN(strangers_begin, strangers_end, the_owner_seals_nothing_for_a_key_that_is_not_hers)
{
	emr_epoch_key *his = NULL;
	emr_domain_public hers;
	emr_row_domain row;
	uint32_t epoch = begins_epoch(&laptop, &his);

	emr_epoch_key_free(his);
	kit_save(&s.k, "Imaging/secret.txt", "not for him");
	row = imaging_row();
	assert_int_equal(row.head.epoch, epoch + 1);
	assert_ok(
		emr_keyring_domain_public(s.k.stack.keyring, s.imaging, 1, row.head.epoch, &hers));
	assert_memory_equal(hers.A, row.A, sizeof row.A);
	assert_int_equal(head_of("Imaging/secret.txt").epoch, epoch + 1);
	kit_restart_and_compare(&s.k);
	kit_expect_text(&s.k, "Imaging/secret.txt", "not for him");
}

/* Her share handle begins no epoch: as when the ledger refuses hers. */
static bool stays_as_it_is;

WRAPPED(emr_status, emr_share_renew, emr_share *share, emr_id16 domain)
{
	return stays_as_it_is ? EMR_DENIED : __real_emr_share_renew(share, domain);
}

TEST_IN(strangers_begin, strangers_end, what_cannot_be_sealed_for_her_waits)
{
	emr_epoch_key *his = NULL;
	uint32_t epoch = begins_epoch(&laptop, &his);

	emr_epoch_key_free(his);
	stays_as_it_is = true;
	kit_text(&s.k, "Imaging/waits.txt", "not for him");
	(void)emr_view_publish_now(s.k.view);
	stays_as_it_is = false;
	assert_string_equal(
		kit_attribute(&s.k, "Imaging/waits.txt", "user.emrfs.state"), "pending");
	kit_wait_ms(&s.k, 600000);
	kit_publish_all(&s.k);
	assert_int_equal(head_of("Imaging/waits.txt").epoch, epoch + 1);
	kit_expect_text(&s.k, "Imaging/waits.txt", "not for him");
}

TEST_IN(strangers_begin, strangers_end, who_writes_in_her_folder_waits_for_her_next_key)
{
	emr_epoch_key *his = NULL;
	emr_id16 object;
	AUTO(pen_close) pen p;

	(void)story_lets_write(&s, &s.lima, true);
	(void)begins_epoch(&laptop, &his);
	emr_epoch_key_free(his);
	pen_open(&s, &p, &s.lima, "lima");
	pen_file(&p, s.imaging, s.imaging, "report.txt", "for ana", &object);
	assert_status(EMR_AWAITED, p.status);
	assert_int_equal(p.outcomes, 0);
	assert_ok(emr_share_renew(begins(s.ana), s.imaging));
	pen_file(&p, s.imaging, s.imaging, "report.txt", "for ana", &object);
	assert_ok(p.status);
	assert_int_equal(p.last.result, EMR_RESULT_APPLIED);
}

/* He writes to her other computer as to a device: with his key for his epoch. */
TEST_IN(strangers_begin, strangers_end, another_computer_of_hers_takes_no_key_from_him)
{
	AUTO(story_part) person tablet;
	emr_epoch_key *his = NULL, *found = NULL;
	emr_writer_letter letter = {.card_len = 0};
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};
	emr_act act;
	uint32_t epoch;
	bool some;

	story_device(&s, &tablet, "tablet", false);
	assert_ok(emr_share_learn(tablet.share, &some));
	epoch = begins_epoch(&laptop, &his);
	story_see(&laptop);
	act = emr_act_writer_add(
		s.imaging, tablet.public.signer_id, EVERYTHING, story_now(&s) + 300 * DAY);
	assert_ok(emr_replica_follow(laptop.replica, laptop.public.signer_id, &act));
	assert_ok(emr_act_item(&act, laptop.public.signer_id, story_now(&s), &item));
	assert_ok(emr_writer_part_seal(emr_buf_view(&item), tablet.public.x25519, &letter,
		(const emr_epoch_key *const *)&his, 1, &part));
	assert_int_equal(story_says(&s, &laptop, act, emr_buf_view(&part)), EMR_RESULT_APPLIED);
	story_see(&tablet);
	assert_ok(emr_share_learn(tablet.share, &some));
	assert_int_not_equal(
		emr_keyring_epoch_key(tablet.keyring, s.imaging, epoch, &found), EMR_OK);
	/* With her next epoch it goes on. */
	assert_ok(emr_share_renew(begins(s.ana), s.imaging));
	story_see(&tablet);
	assert_ok(emr_share_learn(tablet.share, &some));
	assert_ok(emr_keyring_epoch_key(tablet.keyring, s.imaging, epoch + 1, &found));
	emr_epoch_key_free(found);
	emr_epoch_key_free(his);
}

/* ---- people of his ---- */

TEST_IN(strangers_begin, strangers_end, her_own_computers_are_no_strangers)
{
	seen n;

	(void)story_share(&s, &s.lima, 0, true);
	n = look();
	assert_int_equal(n.managers + n.writers + n.grants, 0);
}

TEST_IN(strangers_begin, strangers_end, who_may_manage_is_listed_and_ends_with_the_computer)
{
	emr_known_grant grant;
	emr_id16 his_grant, hers;
	EMR_AUTO_BUF ended = {0};
	seen n;

	hers = story_share(&s, &s.lima, 0, true).grant;
	assert_int_equal(makes_manager(&laptop, &s.eve), EMR_RESULT_APPLIED);
	his_grant = lets_read(&s.eve, &s.lima);
	n = look();
	assert_int_equal(n.managers, 1);
	assert_true(emr_id32_equal(n.manager, s.eve.public.signer_id));
	assert_int_equal(n.grants, 1);
	assert_ok(emr_share_device_remove(begins(s.ana), laptop.public.signer_id, &ended));
	n = strangers_count(&ended);
	assert_int_equal(n.managers, 1);
	assert_int_equal(n.grants, 1);
	n = look();
	assert_int_equal(n.managers + n.writers + n.grants, 0);
	/* Neither of them does anything there any more. */
	assert_int_equal(makes_manager(&s.eve, &s.lima), EMR_RESULT_NOT_AUTHORISED);
	assert_int_not_equal(makes_manager(&laptop, &s.eve), EMR_RESULT_APPLIED);
	assert_ok(emr_replica_grant(s.k.stack.replica, s.imaging, his_grant, &grant));
	assert_int_equal(grant.row.head.state, EMR_GRANT_REVOKED);
	/* Grants that ana gave herself stay. */
	assert_ok(emr_replica_grant(s.k.stack.replica, s.imaging, hers, &grant));
	assert_int_equal(grant.row.head.state, EMR_GRANT_ACTIVE);
}

/* ---- what her own computer would do for him ---- */

static void settle(void)
{
	for (int i = 0; i < 4; i++)
		kit_publish_all(&s.k);
}

/* Whole, as her own would be, by a program of his; AGENT may be NULL.  GRANT may be one of hers. */
static void shares_as(emr_id16 grant, person *m, const person *whom, const person *agent)
{
	emr_row_domain row = imaging_row();
	emr_pub_grant terms = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << CONSULT,
		.not_before_unix_s = story_now(&s),
		.not_after_unix_s = story_now(&s) + 300 * DAY,
		.t = agent != NULL,
		.n = agent != NULL};
	emr_grant_parties parties = {.agents = agent != NULL ? &agent->public.signer_id : NULL};
	emr_grant_letter letter = {
		.root_dir_id = s.imaging, .share_id = emr_id16_random(), .label = "Imaging"};
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};
	emr_act act;

	memcpy(terms.grantee, whom->public.signer_id.b, sizeof terms.grantee);
	memcpy(parties.owner_box, row.box, sizeof parties.owner_box);
	memcpy(parties.grantee_x25519, whom->public.x25519, sizeof parties.grantee_x25519);
	memcpy(parties.B, whom->public.B, sizeof parties.B);
	act = emr_act_grant(s.imaging, grant, row.head.epoch, &terms);
	story_see(m);
	assert_ok(emr_replica_follow(m->replica, m->public.signer_id, &act));
	assert_ok(emr_act_item(&act, m->public.signer_id, story_now(&s), &item));
	assert_ok(emr_grant_part_seal(emr_buf_view(&item), &parties, &letter, &part));
	assert_int_equal(story_says(&s, m, act, emr_buf_view(&part)), EMR_RESULT_APPLIED);
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
}

static emr_id16 shares(person *m, const person *whom, const person *agent)
{
	emr_id16 grant = emr_id16_random();

	shares_as(grant, m, whom, agent);
	return grant;
}

typedef struct counted {
	size_t n;
	emr_id16 last;
} counted;

static counted count_in(emr_id16 domain, const person *whom)
{
	counted c = {0};
	emr_known_grant grant;

	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	EMR_ASK(asked, s.k.stack.replica, GRANTS, .domain = domain);
	while (emr_next(&asked, &grant))
		if (memcmp(grant.row.grantee, whom->public.signer_id.b, 32) == 0 &&
			emr_grant_phase_at(&grant, story_now(&s)) == EMR_GRANT_IN_FORCE) {
			c.n++;
			c.last = grant.grant;
		}
	assert_ok(asked.status);
	return c;
}

static size_t grants_in(emr_id16 domain, const person *whom)
{
	return count_in(domain, whom).n;
}

static emr_id16 last_grant_in(emr_id16 domain, const person *whom)
{
	return count_in(domain, whom).last;
}

/* All domains of her folder, as sharing wants them. */
static emr_nested *tree_of(size_t *out_n)
{
	EMR_AUTO_BUF list = {0};
	emr_inner_domain d;
	emr_nested *tree;

	assert_ok(emr_view_domains_below(s.k.view, (emr_id16){{0}}, &list));
	*out_n = list.len / sizeof d;
	tree = calloc(*out_n + 1, sizeof *tree);
	assert_non_null(tree);
	for (size_t i = 0; i < *out_n; i++) {
		memcpy(&d, list.data + i * sizeof d, sizeof d);
		tree[i] = (emr_nested){.domain = d.domain, .outer = d.outer};
	}
	return tree;
}

TEST_IN(strangers_begin, strangers_end, whom_it_lets_read_is_listed_while_it_is_still_hers)
{
	EMR_AUTO_BUF ended = {0};

	(void)story_share(&s, &s.lima, 0, true);
	(void)shares(&laptop, &s.eve, NULL);
	assert_int_equal(look().grants, 1);
	assert_ok(emr_share_end_strangers(begins(s.ana), &ended));
	assert_int_equal(look().grants, 0);
	assert_int_equal(grants_in(s.imaging, &s.eve), 0);
	assert_int_equal(grants_in(s.imaging, &s.lima), 1);
}

/* Signed by her key it would be hers, and stay when his computer is removed. */
TEST_IN(strangers_begin, strangers_end, what_he_shares_is_not_carried_to_a_folder_inside)
{
	EMR_AUTO_FREE emr_nested *tree = NULL;
	emr_id16 old;
	size_t n;

	assert_ok(emr_view_make_domain(s.k.view, "Imaging/Old", &old));
	settle();
	(void)story_share(&s, &s.lima, 0, true);
	(void)shares(&laptop, &s.eve, NULL);
	tree = tree_of(&n);
	assert_ok(emr_share_tie(begins(s.ana), tree, n, NULL));
	assert_int_equal(grants_in(old, &s.lima), 1);
	assert_int_equal(grants_in(old, &s.eve), 0);
	assert_ok(emr_share_device_remove(begins(s.ana), laptop.public.signer_id, NULL));
	assert_ok(emr_share_tie(begins(s.ana), tree, n, NULL));
	assert_int_equal(grants_in(s.imaging, &s.eve) + grants_in(old, &s.eve), 0);
	assert_int_equal(grants_in(old, &s.lima), 1);
}

/* ---- what he moves ---- */

static emr_id16 folder_of(const char *path)
{
	emr_id16 domain;

	assert_ok(emr_view_make_domain(s.k.view, path, &domain));
	settle();
	return domain;
}

/* FOLDER, which is hers, as if it lay in Imaging: so the tree says it that her computer ties. */
static emr_nested *moved_into_imaging(emr_id16 folder, size_t *out_n)
{
	emr_nested *tree = tree_of(out_n);

	for (size_t i = 0; i < *out_n; i++)
		if (emr_id16_equal(tree[i].domain, folder)) {
			emr_nested last = tree[*out_n - 1];

			tree[*out_n - 1] = (emr_nested){.domain = folder, .outer = s.imaging};
			if (i != *out_n - 1)
				tree[i] = last;
			break;
		}
	return tree;
}

/* M says where FOLDER lies, and erases that at once, so that nobody can compare. */
static void says_where(person *m, emr_id16 folder)
{
	emr_act key = {.op = EMR_OP_LISTKEY, .domain = folder, .epoch = 1};
	emr_act act = {.op = EMR_OP_META,
		.domain = folder,
		.object = folder,
		.epoch = 1,
		.flags = EMR_ITEM_NOCONTENT};

	emr_object_listkey(m->public.signer_id.b, 1, key.object.b);
	assert_int_equal(says(m, key, 160), EMR_RESULT_APPLIED);
	assert_int_equal(says(m, act, 104 + 512), EMR_RESULT_APPLIED);
}

static void ties(emr_id16 folder)
{
	EMR_AUTO_FREE emr_nested *tree = NULL;
	size_t n;

	tree = moved_into_imaging(folder, &n);
	assert_ok(emr_share_tie(begins(s.ana), tree, n, NULL));
}

/* Her folder was closed meanwhile, so that nothing was given yet when she removed it. */
TEST_IN(strangers_begin, strangers_end,
	what_he_moved_before_he_was_removed_is_not_shared_afterwards)
{
	emr_id16 folder;

	kit_mkdir(&s.k, "Private");
	settle();
	folder = folder_of("Private");
	assert_ok(emr_share_pass_on(s.ana, NULL));
	(void)story_share(&s, &s.lima, 0, true);
	says_where(&laptop, folder);
	assert_ok(emr_share_device_remove(begins(s.ana), laptop.public.signer_id, NULL));
	ties(folder);
	assert_int_equal(grants_in(folder, &s.lima), 0);
	/* Whom she shares with from now on gets what lies there, as she sees it. */
	(void)story_share(&s, &s.eve, 0, true);
	ties(folder);
	assert_int_equal(grants_in(folder, &s.eve), 1);
	assert_int_equal(grants_in(folder, &s.lima), 0);
}

/* Years after she removed the computer agents are replaced: what it moved inside a folder that was
 * shared goes on as the rest of it does. */
TEST_IN(strangers_begin, strangers_end, what_he_moved_within_a_share_goes_on_through_other_agents)
{
	emr_id32 agents[2] = {s.agents[0].public.signer_id, s.agents[1].public.signer_id};
	emr_grant_order order = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << CONSULT,
		.not_after_unix_s = story_now(&s) + 7 * DAY,
		.agents = agents,
		.agents_count = 2};
	EMR_AUTO_FREE emr_nested *tree = NULL;
	emr_grant_made made;
	emr_id16 old, former;
	size_t n;

	old = folder_of("Imaging/Old");
	assert_ok(emr_share_pass_on(s.ana, NULL));
	assert_ok(story_try_share(&s, &s.lima, &order, true, &made));
	ties(old);
	assert_int_equal(grants_in(old, &s.lima), 1);
	former = last_grant_in(old, &s.lima);
	says_where(&laptop, old);
	assert_ok(emr_share_device_remove(begins(s.ana), laptop.public.signer_id, NULL));
	story_does(&s, &s.bosses[1],
		emr_act_key_revoke(s.agents[0].public.signer_id, story_now(&s), 1));
	tree = moved_into_imaging(old, &n);
	assert_int_equal(story_replaces_agents(&s, tree, n, EMR_OK, NULL), 1);
	assert_int_equal(grants_in(old, &s.lima), 1);
	assert_false(emr_id16_equal(last_grant_in(old, &s.lima), former));
}

TEST_IN(strangers_begin, strangers_end, what_he_shares_is_not_given_anew_through_other_agents)
{
	EMR_AUTO_FREE emr_nested *tree = NULL;
	size_t n;

	(void)shares(&laptop, &s.eve, &s.agents[0]);
	story_does(&s, &s.bosses[1],
		emr_act_key_revoke(s.agents[0].public.signer_id, story_now(&s), 1));
	tree = tree_of(&n);
	assert_int_equal(story_replaces_agents(&s, tree, n, EMR_OK, NULL), 0);
	assert_ok(emr_share_device_remove(begins(s.ana), laptop.public.signer_id, NULL));
	assert_int_equal(grants_in(s.imaging, &s.eve), 0);
}

/* A right to write lasts as long as the longer of two that she gave. */
TEST_IN(strangers_begin, strangers_end, how_long_he_lets_somebody_write_is_not_taken_over)
{
	emr_grant_made made;
	emr_grant_order order = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.writes = EMR_WRITES_ALL,
		.purposes = 1u << CONSULT,
		.not_after_unix_s = story_now(&s) + 7 * DAY};
	emr_known_writer writer;
	uint64_t until = 0;

	assert_ok(story_try_share(&s, &s.lima, &order, true, &made));
	assert_int_equal(says(&laptop,
				 emr_act_writer_add(s.imaging, s.lima.public.signer_id,
					 EMR_WRITES_ALL, story_now(&s) + 300 * DAY),
				 SEALED),
		EMR_RESULT_APPLIED);
	assert_int_equal(look().writers, 1);
	order.not_after_unix_s = story_now(&s) + 14 * DAY;
	assert_ok(story_try_share(&s, &s.lima, &order, true, &made));
	EMR_ASK(asked, s.k.stack.replica, WRITERS, .domain = s.imaging);
	while (emr_next(&asked, &writer))
		if (memcmp(writer.row.writer, s.lima.public.signer_id.b, 32) == 0)
			until = writer.row.not_after_unix_s;
	assert_ok(asked.status);
	assert_int_equal(until, order.not_after_unix_s);
	assert_int_equal(look().writers, 0);
}

TEST_IN(strangers_begin, strangers_end, what_he_shares_gets_no_key_from_her)
{
	emr_known_grant his, hers;
	emr_id16 given = story_share(&s, &s.lima, 0, true).grant;
	emr_id16 grant = shares(&laptop, &s.eve, &s.agents[0]);
	emr_row_domain row;

	assert_ok(emr_share_begin_epoch(begins(s.ana), s.imaging));
	row = imaging_row();
	assert_ok(emr_replica_grant(s.k.stack.replica, s.imaging, grant, &his));
	assert_int_equal(his.row.kver, 0);
	assert_ok(emr_replica_grant(s.k.stack.replica, s.imaging, given, &hers));
	assert_int_equal(hers.row.kver, row.head.epoch);
}

/* How many there may be of one grant is counted: without numbers left a reader of hers gets nothing
 * of the folder's next key. */
TEST_IN(strangers_begin, strangers_end, he_uses_up_no_fragments_of_her_readers)
{
	emr_id16 given = story_share(&s, &s.lima, 0, true).grant;
	emr_known_grant hers;
	emr_row_domain row;

	for (int i = 0; i < EMR_GRANT_KVER_MAX; i++) {
		assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
		assert_ok(emr_replica_grant(s.k.stack.replica, s.imaging, given, &hers));
		if (says(&laptop, emr_act_kfrags(s.imaging, given, 1),
			    72 + 208 * (size_t)hers.row.n) != EMR_RESULT_APPLIED)
			break;
	}
	assert_ok(emr_share_device_remove(begins(s.ana), laptop.public.signer_id, NULL));
	row = imaging_row();
	assert_ok(emr_replica_grant(s.k.stack.replica, s.imaging, given, &hers));
	assert_int_equal(hers.row.kver, row.head.epoch);
}

/* She shared it once; as it is now it is his. */
TEST_IN(strangers_begin, strangers_end, her_computer_answers_nobody_by_his_word)
{
	emr_id16 given = story_share(&s, &s.eve, 0, false).grant;
	emr_shared *shared = NULL;
	emr_ask *ask = NULL;
	emr_share_trouble trouble;
	emr_release_tally tally;

	story_see(&s.eve);
	assert_ok(emr_shared_open(
		s.eve.share, s.imaging, given, CONSULT, EMR_READER_PERSON, &shared, &trouble));
	assert_ok(emr_shared_ask_names(shared, &ask, &trouble));
	shares_as(given, &laptop, &s.eve, NULL);
	tally = story_owner(&s);
	assert_int_equal(tally.answered, 0);
	assert_int_equal(tally.refused, 1);
	emr_ask_free(ask);
	emr_shared_free(shared);
}

/* ---- he keeps it from being removed ---- */

static size_t computers(void)
{
	EMR_AUTO_BUF all = {0};
	size_t n = 0;

	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_share_devices(s.ana, &all));
	EMR_EACH (const emr_device, device, &all)
		n += device->is_active;
	return n;
}

static void expect_removal(void)
{
	assert_int_equal(computers(), 2);
	assert_ok(emr_share_device_remove(begins(s.ana), laptop.public.signer_id, NULL));
	assert_int_equal(computers(), 1);
	assert_int_not_equal(makes_manager(&laptop, &s.eve), EMR_RESULT_APPLIED);
}

/* The part of its registration, which nobody has then. */
static void erases_its_name(person *m)
{
	static emr_ledger_answer answer;
	const emr_batch_options options = {.keyring = m->keyring,
		.signer = emr_signer_identity(),
		.net_id = emr_ledger_net_id(m->ledger)};
	const emr_pub_erase what = {.family = EMR_FAMILY_KEY, .from_version = 1, .to_version = 1};
	emr_operation op = {.op = EMR_OP_ERASE, .time = story_now(&s)};
	EMR_AUTO_BATCH batch = NULL;
	EMR_AUTO_BUF bytes = {0};
	uint8_t pub[24];
	emr_id32 id;

	emr_pub_erase_encode(&what, pub);
	op.pub = emr_bytes_of(pub, sizeof pub);
	memcpy(op.object.b, m->public.signer_id.b, sizeof op.object.b);
	assert_ok(emr_batch_new(&options, &batch));
	assert_ok(emr_batch_add(batch, &op, &id));
	assert_ok(emr_batch_finish(batch, story_now(&s), 200, &bytes, NULL));
	assert_ok(emr_ledger_submit(m->ledger, emr_buf_view(&bytes), &answer));
	assert_int_equal(answer.refusal, 0);
	assert_int_equal(answer.results[0], EMR_RESULT_APPLIED);
}

/* A key may erase its own words: also the name by which she would remove it. */
TEST_IN(strangers_begin, strangers_end, a_computer_that_erases_its_name_is_removed_all_the_same)
{
	erases_its_name(&laptop);
	expect_removal();
}

/* With another key of its own it would go on while she removes the one that she knows. */
TEST_IN(strangers_begin, strangers_end, a_computer_takes_no_other_key)
{
	EMR_AUTO_KEYRING next = NULL;
	uint8_t owner[32];
	emr_act act;

	assert_ok(emr_keyring_create(EMR_KEYRING_DEVICE, story_now(&s), &next));
	assert_ok(emr_keyring_person_pk(s.k.stack.keyring, owner));
	assert_ok(emr_keyring_tlv_set(next, EMR_KEYRING_OWNER, emr_bytes_of(owner, sizeof owner)));
	act = rotated_key(laptop.public.signer_id, next, emr_ledger_net_id(laptop.ledger));
	assert_int_equal(story_says(&s, &laptop, act, (emr_bytes){0}), EMR_RESULT_NOT_AUTHORISED);
	expect_removal();
}

TESTS(NULL, NULL)
