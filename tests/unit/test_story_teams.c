/* These tests are about teams as grantees: a member reads under the member's own name, a member who
 * leaves does not read any more, a member who comes does at once. */
#include "agents_kit.h"
#include "crew_kit.h"
#include "dealings_kit.h"

#include "share/devices.h"
#include "share/write.h"

#include "held_private.h"
#include "share_private.h"
#include "teams_private.h"

/* ---- a record whose data is with a node that does not answer ---- */

static bool is_away;
static emr_id16 away;

WRAPPED(emr_status, share_vouch, emr_share *share, const emr_row_domain *row,
	const record_facts *record, const emr_content_key *key)
{
	return is_away && emr_id16_equal(record->head.object, away)
		       ? EMR_MISSING_DATA
		       : __real_share_vouch(share, row, record, key);
}

/* ---- a grant whose note cannot be read ---- */

static emr_status note_is; /* EMR_OK: it can */
static emr_id16 noteless;

WRAPPED(emr_status, share_grant_note, emr_share *share, const emr_box_key *box,
	const emr_known_grant *known, emr_grant_note *out)
{
	return note_is != EMR_OK && emr_id16_equal(known->grant, noteless)
		       ? note_is
		       : __real_share_grant_note(share, box, known, out);
}

/* ---- what somebody has ---- */

typedef struct had {
	size_t n, in_force, revoked;
	emr_unopened unopened;
	emr_received last;
} had;

static had has(person *m)
{
	EMR_AUTO_BUF all = {0};
	had h = {.n = 0};

	story_see(m);
	assert_ok(emr_share_received(m->share, &all, &h.unopened));
	EMR_EACH (const emr_received, received, &all) {
		h.n++;
		h.in_force += received->phase == EMR_GRANT_IN_FORCE;
		h.revoked += received->phase == EMR_GRANT_IS_REVOKED;
		h.last = *received;
	}
	assert_int_equal(h.unopened.damaged, 0);
	return h;
}

/* ---- the tests ---- */

/* On Fabric a private part may come to the gateway's peer after its entry. */
TEST(a_members_letter_that_comes_late_opens_what_was_shared_before)
{
	STORY_READ;
	AUTO(crew_end) crew c;
	emr_grant_made made;
	had h;

	crew_begin(&c, &s, NULL);
	admit(&c, &s.lima);
	story_sql(&s, "UPDATE parts SET family=1082 WHERE family=82");
	made = share_with(&c);
	h = has(&s.lima);
	assert_int_equal(h.n, 0);
	assert_int_equal(h.unopened.late, 1);
	assert_ok(emr_share_keep_received(s.lima.share, true));
	assert_int_equal(has(&s.lima).n, 0);
	story_sql(&s, "UPDATE parts SET family=82 WHERE family=1082");
	assert_ok(emr_share_keep_received(s.lima.share, true));
	h = has(&s.lima);
	assert_int_equal(h.in_force, 1);
	assert_int_equal(h.unopened.late, 0);
	assert_ok(story_read(&s, &s.lima, made.grant, "MRI.pdf", all_agents, &bytes, &trouble));
}

TEST(what_the_owners_computer_alone_releases_goes_to_members_too)
{
	STORY_READ;
	AUTO(crew_end) crew c;
	emr_grant_order order;
	emr_grant_made made;
	static const emr_id32 nobody[1];

	crew_begin(&c, &s, NULL);
	admit(&c, &s.lima);
	order = order_for(&c);
	order.agents = nobody;
	assert_ok(emr_share_grant(begins(s.ana), &order, &made));
	assert_ok(story_read(&s, &s.lima, made.grant, "MRI.pdf", owner_answers, &bytes, &trouble));
}

TEST(a_team_is_not_given_to_write)
{
	STORY_READ;
	AUTO(crew_end) crew c;
	emr_grant_order order;
	emr_grant_made made;

	crew_begin(&c, &s, NULL);
	admit(&c, &s.lima);
	order = order_for(&c);
	order.writes = EMR_WRITES_ALL;
	assert_int_equal(emr_share_grant(begins(s.ana), &order, &made), EMR_UNSUPPORTED);
	assert_int_equal(emr_share_preview(begins(s.ana), &order, &made), EMR_UNSUPPORTED);
	assert_int_equal(has(&s.lima).n, 0);
}

TEST(who_is_dropped_loses_what_he_has_open)
{
	STORY_READ;
	AUTO(crew_end) crew c;
	emr_grant_made made, later;
	emr_shared *open = NULL;
	emr_id16 mri = {{0}};
	emr_ask *ask = NULL;
	had h;

	crew_begin(&c, &s, NULL);
	admit(&c, &s.lima);
	admit(&c, &s.eve);
	made = share_with(&c);
	open = story_opened(&s, &s.lima, made.grant, all_agents);
	assert_int_equal(emr_shared_names_held(open), 1);
	mri = story_find(open, "MRI.pdf").object;
	story_pass(&s, DAY);
	drop(&c, &s.lima);
	/* As long as his copy does not know, the ledger knows. */
	assert_ok(emr_shared_check(open, &trouble));
	assert_int_equal(emr_shared_ask_records(open, &mri, 1, &ask, &trouble), EMR_DENIED);
	assert_int_equal(trouble.why, EMR_WHY_LEDGER);
	assert_int_equal(trouble.code, EMR_RESULT_NOT_GRANTEE);
	assert_int_equal(emr_shared_check(open, &trouble), EMR_DENIED);
	assert_int_equal(trouble.why, EMR_WHY_REVOKED);
	assert_int_equal(emr_shared_names_held(open), 0);
	emr_shared_free(open);
	h = has(&s.lima);
	assert_int_equal(h.revoked, 1);
	assert_int_equal(h.last.grant.ledger_time,
		story_now(&s)); /* since he left, not since it was given */
	assert_int_equal(
		story_read(&s, &s.lima, made.grant, "MRI.pdf", all_agents, &bytes, &trouble),
		EMR_DENIED);
	assert_ok(story_read(&s, &s.eve, made.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	/* A record that comes when he is out was never his. */
	later = share_with(&c);
	assert_int_equal(has(&s.lima).n, 1);
	assert_int_equal(has(&s.eve).in_force, 2);
	(void)later;
}

TEST(a_membership_ends_with_its_time)
{
	STORY_READ;
	AUTO(crew_end) crew c;
	emr_grant_made made;

	crew_begin(&c, &s, NULL);
	assert_int_equal(try_admit(&c, &s.lima, 2), EMR_RESULT_APPLIED);
	made = share_with(&c);
	assert_ok(story_read(&s, &s.lima, made.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	story_pass(&s, 3 * DAY);
	assert_int_equal(has(&s.lima).in_force, 0);
	assert_int_equal(
		story_read(&s, &s.lima, made.grant, "MRI.pdf", all_agents, &bytes, &trouble),
		EMR_DENIED);
	assert_int_equal(trouble.why, EMR_WHY_EXPIRED);
}

/* ---- another key ---- */

typedef struct given_to {
	size_t alive, ended;
	emr_given last;
} given_to;

static given_to given(story *s, emr_id16 domain, const crew *to)
{
	given_to g = {.alive = 0};
	EMR_AUTO_BUF all = {0};

	assert_ok(emr_share_given(s->ana, domain, &all));
	EMR_EACH (const emr_given, one, &all) {
		if (memcmp(one->grant.row.grantee, to->grantee.b, 32) != 0)
			continue;
		g.alive += one->phase == EMR_GRANT_IN_FORCE;
		g.ended += one->phase == EMR_GRANT_IS_REVOKED;
		if (one->phase == EMR_GRANT_IN_FORCE)
			g.last = *one;
	}
	return g;
}

static uint64_t follow(story *s, const emr_nested *tree, size_t n)
{
	uint64_t changes = 0;

	assert_ok(emr_share_follow_teams(begins(s->ana), tree, n, &changes));
	return changes;
}

static bool has_lost_one(const crew *c, uint64_t quiet_s)
{
	emr_team team;
	bool has_lost = false;

	story_see(c->leader);
	assert_ok(emr_team_get(c->leader->replica, c->id, &team));
	assert_ok(emr_team_has_lost_one(
		c->leader->replica, &team, story_now(c->s), quiet_s, &has_lost));
	return has_lost;
}

static uint32_t fragments_epoch(story *s, const crew *of)
{
	const emr_given has = given(s, s->imaging, of).last;
	const emr_known_grant *grant = &has.grant;
	EMR_AUTO_BUF bytes = {0};
	emr_replica_item item;

	assert_ok(share_item(s->ana, EMR_FAMILY_KFRAGS, grant->domain, grant->grant,
		grant->row.kver, &bytes, &item));
	return item.epoch;
}

static uint32_t present_epoch(story *s)
{
	emr_row_domain row;

	assert_ok(share_domain(s->ana, s->imaging, &row));
	return row.head.epoch;
}

/* He keeps the team's key, whether he was sent away or nobody asked him to stay. */
TEST(who_was_dropped_or_ran_out_of_time_is_lost)
{
	STORY_READ;
	AUTO(crew_end) crew c;

	crew_begin(&c, &s, NULL);
	assert_int_equal(try_admit(&c, &s.lima, 2), EMR_RESULT_APPLIED);
	admit(&c, &s.eve);
	assert_false(has_lost_one(&c, 0)); /* its leader was in and out */
	story_pass(&s, 2 * DAY + 60);
	assert_true(has_lost_one(&c, 0));
	assert_false(has_lost_one(&c, 120));
	admit(&c, &s.lima); /* a newer certificate */
	assert_false(has_lost_one(&c, 0));
	drop(&c, &s.eve);
	assert_true(has_lost_one(&c, 0));
	assert_false(has_lost_one(&c, 120));
}

TEST(a_team_with_another_key_keeps_what_it_had)
{
	STORY_READ;
	AUTO(crew_end) crew old, new;
	emr_grant_made made;
	emr_team team, present;
	given_to now;

	crew_begin(&old, &s, NULL);
	admit(&old, &s.lima);
	admit(&old, &s.eve);
	made = share_with(&old);
	assert_int_equal(follow(&s, NULL, 0), 0);
	drop(&old, &s.eve);
	crew_begin(&new, &s, &old);
	admit(&new, &s.lima);
	/* Before her computer looks: those who remain read by the key that was. */
	assert_ok(story_read(&s, &s.lima, made.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	assert_ok(emr_team_get(s.lima.replica, old.id, &team));
	assert_ok(emr_team_present(s.lima.replica, &team, &present));
	assert_true(emr_id16_equal(present.id, new.id));
	assert_int_equal(follow(&s, NULL, 0), 1);
	now = given(&s, s.imaging, &new);
	assert_int_equal(now.alive, 1);
	assert_int_equal(now.last.grant.row.not_after_unix_s, story_now(&s) + 7 * DAY);
	assert_true(emr_id16_equal(now.last.share_id, made.share_id));
	assert_int_equal(now.last.agents_count, 3);
	assert_string_equal(now.last.label, "Imaging");
	assert_int_equal(given(&s, s.imaging, &old).ended, 1);
	assert_ok(story_read(
		&s, &s.lima, now.last.grant.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	assert_int_equal(story_read(&s, &s.eve, now.last.grant.grant, "MRI.pdf", all_agents, &bytes,
				 &trouble),
		EMR_DENIED);
	assert_int_equal(follow(&s, NULL, 0), 0); /* once */
	/* Her computer followed the team; she shared once, and has not ended it. */
	assert_string_equal(dealings_of(&s), "shared a team read, expired a team read");
}

/* Her computer was off while the team got three other keys, and its leader closed the one in
 * between that nobody gave anything to: whoever was let out has the first key, which must not go
 * on. */
TEST(an_owner_who_was_away_for_three_keys_follows_to_the_last)
{
	STORY_READ;
	crew crews[4];
	emr_grant_made made;

	crew_begin(&crews[0], &s, NULL);
	admit(&crews[0], &s.lima);
	admit(&crews[0], &s.eve);
	made = share_with(&crews[0]);
	drop(&crews[0], &s.eve);
	for (int i = 1; i < 4; i++) {
		crew_begin(&crews[i], &s, &crews[i - 1]);
		admit(&crews[i], &s.lima);
	}
	story_does(&s, crews[1].leader, emr_act_dataset_close(crews[1].id));
	assert_int_equal(follow(&s, NULL, 0), 1);
	assert_int_equal(given(&s, s.imaging, &crews[0]).alive, 0);
	assert_int_equal(given(&s, s.imaging, &crews[3]).alive, 1);
	assert_true(emr_id16_equal(given(&s, s.imaging, &crews[3]).last.share_id, made.share_id));
	assert_int_equal(follow(&s, NULL, 0), 0);
	for (int i = 0; i < 4; i++)
		crew_end(&crews[i]);
}

/* Records that others left there are judged before they are given on, and their data may be with a
 * node that does not answer now: a reader by the former key goes on until the present one opens
 * them, too. */
TEST(what_cannot_be_judged_yet_keeps_the_former_share)
{
	STORY_READ;
	AUTO(crew_end) crew old, new;
	emr_grant_made made;
	uint64_t changes = 0;
	given_to now;

	crew_begin(&old, &s, NULL);
	admit(&old, &s.lima);
	made = share_with(&old);
	kit_text(&s.k, "Imaging/Old/CT.pdf", "another"); /* there is a past to be hidden */
	kit_publish_all(&s.k);
	crew_begin(&new, &s, &old);
	admit(&new, &s.lima);
	is_away = true;
	away = kit_object_id(&s.k, "Imaging/MRI.pdf");
	for (int i = 0; i < 2; i++) {
		assert_status(
			EMR_MISSING_DATA, emr_share_follow_teams(begins(s.ana), NULL, 0, &changes));
		assert_int_equal(given(&s, s.imaging, &old).alive, 1);
		assert_int_equal(given(&s, s.imaging, &new).alive, 1);
	}
	/* Records that were sealed again for it are open to both. */
	assert_int_equal(fragments_epoch(&s, &old), present_epoch(&s));
	assert_int_equal(fragments_epoch(&s, &new), present_epoch(&s));
	now = given(&s, s.imaging, &new);
	assert_ok(story_read(&s, &s.lima, made.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	assert_ok(story_read(
		&s, &s.lima, now.last.grant.grant, "CT.pdf", all_agents, &bytes, &trouble));
	is_away = false;
	assert_int_equal(follow(&s, NULL, 0), 1);
	assert_int_equal(given(&s, s.imaging, &old).alive, 0);
	assert_ok(story_read(
		&s, &s.lima, now.last.grant.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	assert_int_equal(bytes.len, 11);
	assert_int_equal(follow(&s, NULL, 0), 0);
}

/* A writer there leaves something whose data is nowhere, and is let out: the former share stays for
 * ever. He has its key, and perhaps friends among the agents. */
TEST(who_was_let_out_gets_no_later_key_by_what_he_left)
{
	STORY_READ;
	AUTO(crew_end) crew old, new;
	uint64_t changes = 0;
	uint32_t before, gave;
	bool is_due = false;

	crew_begin(&old, &s, NULL);
	admit(&old, &s.lima);
	admit(&old, &s.eve);
	(void)share_with(&old);
	kit_text(&s.k, "Imaging/Old/CT.pdf", "another"); /* there is a past to be hidden */
	kit_publish_all(&s.k);
	drop(&old, &s.eve);
	crew_begin(&new, &s, &old);
	admit(&new, &s.lima);
	is_away = true;
	away = kit_object_id(&s.k, "Imaging/MRI.pdf");
	assert_status(EMR_MISSING_DATA, emr_share_follow_teams(begins(s.ana), NULL, 0, &changes));
	assert_int_equal(given(&s, s.imaging, &old).alive, 1); /* for what can be read by it only */
	before = present_epoch(&s);
	gave = fragments_epoch(&s, &old);
	assert_true(gave <= before);
	/* The next record has a key that is not his, and so has all that comes behind it. */
	for (uint32_t i = 1; i <= 2; i++) {
		assert_ok(emr_share_epoch_is_due(s.ana, s.imaging, &is_due));
		assert_int_equal(is_due, i == 1);
		assert_ok(i == 1 ? emr_share_renew(begins(s.ana), s.imaging)
				 : emr_share_begin_epoch(begins(s.ana), s.imaging));
		assert_ok(emr_share_renew(begins(s.ana), s.imaging));
		assert_int_equal(present_epoch(&s), before + i);
		assert_int_equal(fragments_epoch(&s, &old), gave);
		assert_int_equal(fragments_epoch(&s, &new), before + i);
	}
	/* A member who remains reads both. */
	assert_ok(story_read(&s, &s.lima, given(&s, s.imaging, &old).last.grant.grant, "MRI.pdf",
		all_agents, &bytes, &trouble));
	assert_ok(story_read(&s, &s.lima, given(&s, s.imaging, &new).last.grant.grant, "CT.pdf",
		all_agents, &bytes, &trouble));
	is_away = false;
}

/* By a computer that writes with her own key: the grant stands, and its part opens for nobody. */
static void ana_gives_without_note(story *s, const crew *to)
{
	emr_pub_grant terms = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << CONSULT,
		.not_before_unix_s = story_now(s),
		.not_after_unix_s = story_now(s) + 7 * DAY};
	EMR_AUTO_BUF part = {0};
	emr_ledger_answer answer;
	emr_act act;

	memcpy(terms.grantee, to->grantee.b, sizeof terms.grantee);
	act = emr_act_grant(s->imaging, emr_id16_random(), present_epoch(s), &terms);
	assert_ok(emr_buf_append_zeros(&part, 210 + 512));
	act.version = 1;
	assert_ok(emr_act_send_as(s->k.stack.keyring, emr_signer_domain(s->imaging, SHARE_GEN),
		s->k.stack.ledger, &act, emr_buf_view(&part), &s->k.clock.clock, &answer));
	assert_int_equal(answer.results[0], EMR_RESULT_APPLIED);
	assert_ok(emr_replica_catch_up(s->k.stack.replica, NULL, NULL, NULL));
}

/* Of two shares with different keys of one team the older one is the former, as long as nobody can
 * read that they are two. */
TEST(a_later_share_without_its_note_makes_the_teams_older_one_the_former)
{
	STORY_READ;
	AUTO(crew_end) crew old, new, other;
	uint32_t before;

	crew_begin(&old, &s, NULL);
	admit(&old, &s.lima);
	admit(&old, &s.eve);
	(void)share_with(&old);
	crew_named(&other, &s, emr_id16_random(), (emr_id16){{0}});
	ana_gives_without_note(&s, &other); /* of the same name, and nobody's heir */
	assert_false(story_is_due(&s, s.imaging));
	drop(&old, &s.eve);
	crew_begin(&new, &s, &old);
	admit(&new, &s.lima);
	ana_gives_without_note(&s, &new);
	before = present_epoch(&s);
	assert_true(story_is_due(&s, s.imaging));
	assert_ok(emr_share_renew(begins(s.ana), s.imaging));
	assert_int_equal(present_epoch(&s), before + 1);
	assert_int_equal(fragments_epoch(&s, &old), before);
	assert_false(story_is_due(&s, s.imaging));
}

/* A note that cannot be read for the moment is asked again, and decides nothing; one that cannot be
 * read for good is no share that goes on. */
TEST(a_note_of_either_share_that_cannot_be_read_now_is_waited_for)
{
	STORY_READ;
	AUTO(crew_end) crew c;
	emr_known_grant first;
	emr_grant_order order;
	emr_grant_made made[2];
	bool is_anew = true;

	crew_begin(&c, &s, NULL);
	admit(&c, &s.lima);
	made[0] = share_with(&c);
	first = given(&s, s.imaging, &c).last.grant;
	assert_ok(share_is_given_anew(s.ana, &first, &is_anew));
	assert_false(is_anew);
	(void)share_with(&c); /* another share */
	assert_ok(share_is_given_anew(s.ana, &first, &is_anew));
	assert_false(is_anew);
	order = order_for(&c);
	order.share_id = made[0].share_id;
	assert_ok(emr_share_grant(begins(s.ana), &order, &made[1]));
	assert_ok(share_is_given_anew(s.ana, &first, &is_anew));
	assert_true(is_anew);
	for (int i = 0; i < 2; i++) {
		noteless = made[i].grant;
		note_is = EMR_IO;
		assert_status(EMR_IO, share_is_given_anew(s.ana, &first, &is_anew));
		note_is = EMR_OFFLINE;
		assert_status(EMR_OFFLINE, share_is_given_anew(s.ana, &first, &is_anew));
		note_is = EMR_DAMAGED;
		assert_ok(share_is_given_anew(s.ana, &first, &is_anew));
		assert_false(is_anew);
	}
	note_is = EMR_OK;
}

/* Her second computer shares nothing, so what its key gave a team is somebody else's word. */
TEST(what_a_stolen_computer_gave_a_team_does_not_follow_it)
{
	STORY_READ;
	EMR_AUTO_BUF part = {0};
	emr_pub_grant terms = {.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
		.purposes = 1u << CONSULT,
		.not_before_unix_s = story_now(&s),
		.not_after_unix_s = story_now(&s) + 300 * DAY};
	AUTO(crew_end) crew old, new;
	AUTO(story_part) person laptop;

	crew_begin(&old, &s, NULL);
	admit(&old, &s.eve);
	story_device(&s, &laptop, "laptop", false);
	memcpy(terms.grantee, old.grantee.b, sizeof terms.grantee);
	assert_ok(emr_buf_append_zeros(&part, 210 + 512));
	assert_int_equal(
		story_says(&s, &laptop, emr_act_grant(s.imaging, emr_id16_random(), 1, &terms),
			emr_buf_view(&part)),
		EMR_RESULT_APPLIED);
	crew_begin(&new, &s, &old);
	admit(&new, &s.eve);
	assert_int_equal(follow(&s, NULL, 0), 0);
	assert_int_equal(given(&s, s.imaging, &new).alive, 0);
	assert_ok(emr_share_device_remove(begins(s.ana), laptop.public.signer_id, NULL));
	assert_int_equal(given(&s, s.imaging, &old).alive, 0);
	assert_int_equal(given(&s, s.imaging, &new).alive, 0);
}

/* A leader who lets each of three teams name the one that comes after: what was given moves once,
 * and not round for ever. */
TEST(teams_that_name_each_other_in_a_circle_end_with_the_newest)
{
	STORY_READ;
	const emr_id16 third = emr_id16_random();
	AUTO(crew_end) crew a, b, c;
	emr_team team, present, first;
	bool does = true;
	emr_known_grant newest;
	uint64_t seq = 1;

	crew_named(&a, &s, emr_id16_random(), third);
	crew_begin(&b, &s, &a);
	crew_named(&c, &s, third, b.id);
	(void)share_with(&a);
	assert_int_equal(follow(&s, NULL, 0), 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(follow(&s, NULL, 0), 0);
	assert_int_equal(given(&s, s.imaging, &a).ended, 1);
	assert_int_equal(given(&s, s.imaging, &c).alive, 1);
	newest = given(&s, s.imaging, &c).last.grant;
	assert_ok(share_former_key_since(s.ana, &newest, &seq));
	assert_int_equal(seq, 0); /* though one names it as the one before */
	story_see(&s.lima);
	assert_ok(emr_team_get(s.lima.replica, third, &team));
	assert_ok(emr_team_present(s.lima.replica, &team, &present));
	assert_true(emr_id16_equal(present.id, third));
	assert_ok(emr_team_get(s.lima.replica, a.id, &first));
	assert_ok(emr_team_follows(s.lima.replica, &team, &first, &does));
	assert_true(does);
	assert_ok(emr_team_follows(s.lima.replica, &first, &team, &does));
	assert_false(does);
}

TEST(another_leaders_team_takes_nobodys_place)
{
	STORY_READ;
	AUTO(crew_end) crew real, false_one;
	emr_pub_dataset_new what = {
		.purposes = EMR_PURPOSES_ALL, .not_after_unix_s = story_now(&s) + 400 * DAY};
	EMR_AUTO_BUF part = {0};
	uint8_t x25519[32] = {9};

	crew_begin(&real, &s, NULL);
	admit(&real, &s.lima);
	(void)share_with(&real);
	false_one = (crew){.s = &s, .leader = &s.bosses[1], .id = emr_id16_random()};
	assert_ok(emr_grantee_key_new(&false_one.key));
	assert_ok(emr_team_terms_make(
		EMR_TEAM_CHOSEN, "radiology", x25519, real.id, &part, what.terms));
	emr_grantee_key_public(false_one.key, what.B);
	assert_ok(emr_grantee_key_pop(false_one.key, emr_ledger_net_id(s.lima.ledger),
		root_of(false_one.leader), what.pop));
	assert_int_equal(story_says(&s, false_one.leader, emr_act_dataset(false_one.id, &what),
				 emr_buf_view(&part)),
		EMR_RESULT_APPLIED);
	assert_int_equal(follow(&s, NULL, 0), 0);
	assert_int_equal(given(&s, s.imaging, &real).alive, 1);
}

/* ---- inside ---- */

/* PATH as a domain, with TREE as it is, or will be, below the shared folder. */
static emr_id16 make_inner(story *s, const char *path, emr_nested tree[2])
{
	emr_id16 domain;

	assert_ok(emr_view_make_domain(s->k.view, path, &domain));
	for (int i = 0; i < 4; i++)
		kit_publish_all(&s->k);
	tree[0] = (emr_nested){.domain = s->imaging};
	tree[1] = (emr_nested){.domain = domain, .outer = s->imaging};
	return domain;
}

TEST(a_share_with_a_team_reaches_the_folders_inside)
{
	STORY_READ;
	AUTO(crew_end) crew old, new;
	emr_id16 inner;
	emr_nested tree[2];
	uint64_t changes = 0;
	given_to there;
	emr_id16 outer = s.imaging;
	size_t n = 0;

	crew_begin(&old, &s, NULL);
	admit(&old, &s.lima);
	(void)share_with(&old);
	inner = make_inner(&s, "Imaging/Old", tree);
	assert_ok(emr_share_tie(begins(s.ana), tree, 2, &changes));
	there = given(&s, inner, &old);
	assert_int_equal(there.alive, 1);
	s.imaging = inner;
	assert_ok(story_read(
		&s, &s.lima, there.last.grant.grant, "CT.pdf", all_agents, &bytes, &trouble));
	s.imaging = outer;
	/* It follows another key of the team, too. */
	crew_begin(&new, &s, &old);
	admit(&new, &s.lima);
	assert_int_equal(follow(&s, tree, 2), 1);
	assert_int_equal(given(&s, inner, &old).alive, 0);
	assert_int_equal(given(&s, inner, &new).alive, 1);
	/* And its end. */
	assert_ok(emr_share_revoke_below(begins(s.ana), tree, 2, outer, new.grantee, &n));
	assert_int_equal(n, 1);
	assert_int_equal(given(&s, inner, &new).alive, 0);
}

TEST(what_cannot_be_judged_yet_inside_keeps_the_teams_former_share)
{
	STORY_READ;
	AUTO(crew_end) crew old, new;
	emr_id16 outer = s.imaging, inner;
	emr_nested tree[2];
	uint64_t changes = 0;
	given_to there;

	crew_begin(&old, &s, NULL);
	admit(&old, &s.lima);
	(void)share_with(&old);
	inner = make_inner(&s, "Imaging/Old", tree);
	assert_ok(emr_share_tie(begins(s.ana), tree, 2, &changes));
	kit_save(&s.k, "Imaging/Old/another.txt", "first");
	kit_text(&s.k, "Imaging/Old/another.txt", "second"); /* there is a past to be hidden */
	kit_publish_all(&s.k);
	crew_begin(&new, &s, &old);
	admit(&new, &s.lima);
	is_away = true;
	away = kit_object_id(&s.k, "Imaging/Old/CT.pdf");
	for (int i = 0; i < 2; i++) {
		assert_status(
			EMR_MISSING_DATA, emr_share_follow_teams(begins(s.ana), tree, 2, &changes));
		assert_ok(emr_share_tie(begins(s.ana), tree, 2, NULL));
		assert_int_equal(given(&s, outer, &old).alive, 0);
		assert_int_equal(given(&s, inner, &old).alive, 1);
		assert_int_equal(given(&s, inner, &new).alive, 1);
	}
	is_away = false;
	assert_int_equal(follow(&s, tree, 2), 0);
	assert_int_equal(given(&s, inner, &old).alive, 0);
	there = given(&s, inner, &new);
	s.imaging = inner;
	assert_ok(story_read(
		&s, &s.lima, there.last.grant.grant, "CT.pdf", all_agents, &bytes, &trouble));
}

/* Another person's share of the same name is nothing that goes on for him: his ends with the share
 * around it, whatever cannot be judged there. */
TEST(another_persons_share_is_no_follower)
{
	STORY_READ;
	emr_id16 outer = s.imaging, inner, share_id;
	person *const both[] = {&s.lima, &s.eve};
	emr_grant_made made[2];
	emr_nested tree[2];

	for (int i = 0; i < 2; i++) {
		emr_grant_order order = {.domain = outer,
			.grantee = root_of(both[i]),
			.rights = EMR_GRANT_LIST | EMR_GRANT_READ,
			.purposes = 1u << CONSULT,
			.not_after_unix_s = story_now(&s) + 7 * DAY,
			.label = "Imaging"};

		if (i > 0)
			order.share_id = share_id;
		assert_ok(emr_share_grant(begins(s.ana), &order, &made[i]));
		share_id = made[0].share_id;
	}
	inner = make_inner(&s, "Imaging/Old", tree);
	assert_ok(emr_share_tie(begins(s.ana), tree, 2, NULL));
	assert_int_equal(has(&s.lima).in_force, 2);
	kit_save(&s.k, "Imaging/Old/another.txt", "first");
	assert_ok(emr_share_begin_epoch(begins(s.ana), inner));
	is_away = true;
	away = kit_object_id(&s.k, "Imaging/Old/CT.pdf");
	assert_ok(emr_share_revoke(begins(s.ana), outer, made[0].grant));
	assert_ok(emr_share_tie(begins(s.ana), tree, 2, NULL));
	is_away = false;
	assert_int_equal(has(&s.lima).in_force, 0);
	assert_int_equal(has(&s.eve).in_force, 2);
}

/* A folder that she took back from a team stays so with every later key of the team. */
TEST(what_was_taken_back_inside_does_not_come_with_another_key)
{
	STORY_READ;
	crew crews[3];
	emr_id16 outer = s.imaging, inner;
	emr_nested tree[2];

	crew_begin(&crews[0], &s, NULL);
	admit(&crews[0], &s.lima);
	(void)share_with(&crews[0]);
	inner = make_inner(&s, "Imaging/Old", tree);
	assert_ok(emr_share_tie(begins(s.ana), tree, 2, NULL));
	assert_int_equal(given(&s, inner, &crews[0]).alive, 1);
	assert_ok(emr_share_revoke(
		begins(s.ana), inner, given(&s, inner, &crews[0]).last.grant.grant));
	for (int i = 1; i < 3; i++) {
		crew_begin(&crews[i], &s, &crews[i - 1]);
		admit(&crews[i], &s.lima);
		assert_int_equal(follow(&s, tree, 2), 1);
		assert_int_equal(given(&s, outer, &crews[i]).alive, 1);
		assert_int_equal(given(&s, inner, &crews[i]).alive, 0);
	}
	for (int i = 0; i < 3; i++)
		crew_end(&crews[i]);
}

/* With a part that opens for nobody. */
static void says(story *s, person *m, emr_act act, size_t part_len)
{
	EMR_AUTO_BUF part = {0};

	assert_ok(emr_buf_append_zeros(&part, part_len));
	memcpy(part.data, emr_id32_random().b, 32);
	assert_int_equal(story_says(s, m, act, emr_buf_view(&part)), EMR_RESULT_APPLIED);
}

/* A folder that a stolen computer moved into a shared one is not shared when a team gets another
 * key either: with that no other share begins. */
TEST(what_a_stolen_computer_moved_does_not_come_with_another_key)
{
	STORY_READ;
	emr_act act = {.epoch = 1};
	AUTO(crew_end) crew old, new;
	emr_nested tree[2];
	emr_id16 inner;
	AUTO(story_part) person laptop;

	crew_begin(&old, &s, NULL);
	admit(&old, &s.lima);
	story_device(&s, &laptop, "laptop", false);
	kit_mkdir(&s.k, "Private");
	kit_publish_all(&s.k);
	inner = make_inner(&s, "Private", tree);
	assert_ok(emr_share_pass_on(s.ana, NULL));
	(void)share_with(&old);
	act.domain = inner;
	act.op = EMR_OP_LISTKEY;
	emr_object_listkey(laptop.public.signer_id.b, 1, act.object.b);
	says(&s, &laptop, act, 160);
	act.op = EMR_OP_META;
	act.object = inner;
	act.flags = EMR_ITEM_NOCONTENT;
	says(&s, &laptop, act, 104 + 512);
	assert_ok(emr_share_device_remove(begins(s.ana), laptop.public.signer_id, NULL));
	assert_ok(emr_share_tie(begins(s.ana), tree, 2, NULL));
	assert_int_equal(given(&s, inner, &old).alive, 0);
	crew_begin(&new, &s, &old);
	admit(&new, &s.lima);
	assert_int_equal(follow(&s, tree, 2), 1);
	assert_int_equal(given(&s, s.imaging, &new).alive, 1);
	assert_int_equal(given(&s, inner, &new).alive, 0);
}

/* Which key of the team is later decides, and not which share was given later: who was let out has
 * the earlier key. */
TEST(a_former_keys_later_share_goes_on_for_nobodys)
{
	STORY_READ;
	AUTO(crew_end) crew old, new;
	emr_known_grant both[2];
	emr_grant_order order;
	emr_grant_made made;
	uint64_t seq = 0;
	uint32_t before;

	crew_begin(&old, &s, NULL);
	admit(&old, &s.lima);
	admit(&old, &s.eve);
	drop(&old, &s.eve);
	crew_begin(&new, &s, &old);
	admit(&new, &s.lima);
	order = order_for(&old);
	order.share_id = share_with(&new).share_id;
	assert_ok(emr_share_grant(begins(s.ana), &order, &made));
	both[0] = given(&s, s.imaging, &old).last.grant;
	both[1] = given(&s, s.imaging, &new).last.grant;
	assert_ok(share_former_key_since(s.ana, &both[1], &seq));
	assert_int_equal(seq, 0);
	assert_ok(share_former_key_since(s.ana, &both[0], &seq));
	assert_true(seq > 0);
	/* Records from now on have a key that is not his. */
	before = present_epoch(&s);
	assert_true(story_is_due(&s, s.imaging));
	assert_ok(emr_share_renew(begins(s.ana), s.imaging));
	assert_int_equal(present_epoch(&s), before + 1);
	assert_int_equal(fragments_epoch(&s, &old), before);
	assert_int_equal(fragments_epoch(&s, &new), before + 1);
	assert_false(story_is_due(&s, s.imaging));
}

/* A team's former share is there still, for what can be read by it only. */
static void begin_former_beside(story *s, crew *old, crew *new, const emr_id32 *agent)
{
	uint64_t changes = 0;
	emr_grant_order order;
	emr_grant_made made;

	crew_begin(old, s, NULL);
	admit(old, &s->lima);
	admit(old, &s->eve);
	order = order_for(old);
	order.agents = agent;
	order.agents_count = agent != NULL;
	assert_ok(emr_share_grant(begins(s->ana), &order, &made));
	kit_text(&s->k, "Imaging/Old/CT.pdf", "another"); /* there is a past to be hidden */
	kit_publish_all(&s->k);
	drop(old, &s->eve);
	crew_begin(new, s, old);
	admit(new, &s->lima);
	is_away = true;
	away = kit_object_id(&s->k, "Imaging/MRI.pdf");
	assert_status(EMR_MISSING_DATA, emr_share_follow_teams(begins(s->ana), NULL, 0, &changes));
	assert_int_equal(given(s, s->imaging, old).alive, 1);
	assert_int_equal(given(s, s->imaging, new).alive, 1);
}

TEST(a_former_share_reaches_no_folder_that_comes_into_it)
{
	STORY_READ;
	AUTO(crew_end) crew old, new;
	emr_nested tree[2];
	emr_id16 inner;

	begin_former_beside(&s, &old, &new, NULL);
	inner = make_inner(&s, "Imaging/Old", tree);
	assert_ok(emr_share_tie(begins(s.ana), tree, 2, NULL));
	assert_int_equal(given(&s, inner, &new).alive, 1);
	assert_int_equal(given(&s, inner, &old).alive, 0);
	is_away = false;
}

/* With other agents it would have the present key, and not what it was kept for. */
TEST(a_former_share_is_given_anew_through_no_other_agents)
{
	STORY_READ;
	AUTO(crew_end) crew old, new;
	emr_given was;

	begin_former_beside(&s, &old, &new, &s.agents[0].public.signer_id);
	was = given(&s, s.imaging, &old).last;
	assert_int_equal(was.agents_count, 1);
	story_does(&s, &s.bosses[1],
		emr_act_key_revoke(s.agents[0].public.signer_id, story_now(&s), 1));
	assert_int_equal(story_replaces_agents(&s, NULL, 0, EMR_MISSING_DATA, NULL),
		1); /* the present one's */
	assert_int_equal(given(&s, s.imaging, &old).alive, 1);
	assert_true(emr_id16_equal(given(&s, s.imaging, &old).last.grant.grant, was.grant.grant));
	is_away = false;
}

/* The team has another key, and her computer has not looked yet: who was let out has the one that
 * the share is to. */
static void begin_unfollowed(story *s, crew *old, crew *new, const emr_id32 *agent)
{
	emr_grant_order order;
	emr_grant_made made;

	crew_begin(old, s, NULL);
	admit(old, &s->lima);
	admit(old, &s->eve);
	order = order_for(old);
	order.agents = agent;
	order.agents_count = agent != NULL;
	assert_ok(emr_share_grant(begins(s->ana), &order, &made));
	drop(old, &s->eve);
	crew_begin(new, s, old);
	admit(new, &s->lima);
	assert_ok(emr_replica_catch_up(s->k.stack.replica, NULL, NULL, NULL));
}

TEST(a_folder_that_comes_in_before_her_computer_looks_is_for_the_new_key_alone)
{
	STORY_READ;
	AUTO(crew_end) crew old, new;
	emr_nested tree[2];
	emr_id16 inner;

	begin_unfollowed(&s, &old, &new, NULL);
	inner = make_inner(&s, "Imaging/Old", tree);
	assert_ok(emr_share_tie(begins(s.ana), tree, 2, NULL));
	assert_int_equal(given(&s, inner, &old).alive + given(&s, inner, &old).ended, 0);
	assert_int_equal(follow(&s, tree, 2), 1);
	assert_int_equal(given(&s, inner, &old).alive + given(&s, inner, &old).ended, 0);
	assert_int_equal(given(&s, inner, &new).alive, 1);
}

TEST(agents_are_replaced_before_her_computer_looks_for_the_new_key_alone)
{
	STORY_READ;
	AUTO(crew_end) crew old, new;
	given_to now;

	begin_unfollowed(&s, &old, &new, &s.agents[0].public.signer_id);
	story_does(&s, &s.bosses[1],
		emr_act_key_revoke(s.agents[0].public.signer_id, story_now(&s), 1));
	assert_int_equal(story_replaces_agents(&s, NULL, 0, EMR_OK, NULL), 0);
	assert_int_equal(given(&s, s.imaging, &old).alive + given(&s, s.imaging, &old).ended, 1);
	/* And the new key is read through agents that there are. */
	(void)emr_share_follow_teams(begins(s.ana), NULL, 0, NULL);
	(void)story_replaces_agents(&s, NULL, 0, EMR_OK, NULL);
	now = given(&s, s.imaging, &new);
	assert_int_equal(now.alive, 1);
	assert_true(now.last.agents_count > 0);
	assert_false(emr_id32_equal(now.last.agents[0], s.agents[0].public.signer_id));
	assert_int_equal(given(&s, s.imaging, &old).alive, 0);
}

TEST(what_is_written_before_her_computer_looks_is_for_the_new_key_alone)
{
	STORY_READ;
	AUTO(crew_end) crew old, new;
	uint32_t before;
	emr_id16 grant;

	begin_unfollowed(&s, &old, &new, NULL);
	before = present_epoch(&s);
	assert_true(story_is_due(&s, s.imaging));
	assert_ok(emr_share_renew(begins(s.ana), s.imaging));
	assert_int_equal(present_epoch(&s), before + 1);
	assert_int_equal(fragments_epoch(&s, &old), before);
	assert_false(story_is_due(&s, s.imaging));
	assert_int_equal(follow(&s, NULL, 0), 1);
	assert_int_equal(fragments_epoch(&s, &new), present_epoch(&s));
	grant = given(&s, s.imaging, &new).last.grant.grant;
	assert_ok(story_read(&s, &s.lima, grant, "MRI.pdf", all_agents, &bytes, &trouble));
}

/* A leader who closes them in this order leaves the newest, wherever that stops. */
TEST(keys_of_a_team_stand_in_order_the_former_ones_first)
{
	STORY_READ;
	emr_known_team known;
	crew keys[3];
	emr_id16 id = emr_id16_random();

	for (size_t i = 0; i < 3; i++) {
		id.b[0] = (uint8_t)(3 - i);
		crew_named(&keys[i], &s, id, i > 0 ? keys[i - 1].id : (emr_id16){{0}});
	}
	story_see(&s.lima);
	EMR_ASK(asked, s.lima.replica, TEAM_KEYS, .who = root_of(keys[0].leader));
	for (size_t i = 0; i < 3; i++)
		assert_true(emr_next(&asked, &known) && emr_id16_equal(known.team, keys[i].id));
	for (size_t i = 0; i < 3; i++)
		crew_end(&keys[i]);
}

/* Its leader closes what there is of a team, and that stops in between: the newest key is closed,
 * the former one not, and her computer has both shares still. */
TEST(a_former_key_stays_so_when_the_newest_was_closed)
{
	STORY_READ;
	AUTO(crew_end) crew old, new;
	uint32_t before;

	begin_former_beside(&s, &old, &new, NULL);
	before = fragments_epoch(&s, &old);
	story_does(&s, new.leader, emr_act_dataset_close(new.id));
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_true(story_is_due(&s, s.imaging));
	assert_ok(emr_share_renew(begins(s.ana), s.imaging));
	assert_int_equal(fragments_epoch(&s, &old), before);
	is_away = false;
}

/* ---- bytes ---- */

TEST(terms_are_their_leaders_or_none)
{
	uint8_t x25519[32], hash[32];
	emr_team team = {.name = ""};
	EMR_AUTO_BUF part = {0};
	/* Computed by hand from fs/share/FORMAT.md: 05 'h'.. 01 | 11 x 32 | 22 x 16. */
	static const uint8_t plain[] = {5, 'h', 'e', 'a', 'r', 't', 1};

	memset(x25519, 0x11, sizeof x25519);
	assert_int_equal(
		emr_team_terms_make(EMR_TEAM_CHOSEN, "", x25519, (emr_id16){{0}}, &part, hash),
		EMR_INVALID);
	{
		emr_id16 before;

		memset(before.b, 0x22, sizeof before.b);
		assert_ok(
			emr_team_terms_make(EMR_TEAM_CHOSEN, "heart", x25519, before, &part, hash));
	}
	assert_int_equal(part.len, 32 + sizeof plain + 32 + 16);
	assert_memory_equal(part.data + 32, plain, sizeof plain);
	for (size_t i = 0; i < 48; i++)
		assert_int_equal(part.data[32 + sizeof plain + i], i < 32 ? 0x11 : 0x22);
	assert_ok(team_terms_read(emr_buf_view(&part), hash, &team));
	assert_true(team.has_box);
	assert_string_equal(team.name, "heart");
	for (size_t bit = 32 * 8; bit < part.len * 8; bit++) {
		part.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(team_terms_read(emr_buf_view(&part), hash, &team), EMR_DAMAGED);
		part.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < part.len; len++)
		assert_int_equal(
			team_terms_read(emr_bytes_of(part.data, len), hash, &team), EMR_DAMAGED);
}

/* By an independent computation (HMAC-SHA-512 and X25519 of RFC 5869 and RFC 7748 in another
 * language) from fs/share/FORMAT.md. */
TEST(known_answers_of_a_team)
{
	static const uint8_t box_pk[32] = {0xac, 0x9e, 0xea, 0x10, 0x52, 0x5a, 0x82, 0xb2, 0x8a,
		0x82, 0x14, 0x97, 0x45, 0x66, 0xdf, 0x6a, 0x08, 0xb6, 0x56, 0xc2, 0x48, 0x92, 0xe6,
		0x0c, 0x24, 0xb2, 0x65, 0xe3, 0xe3, 0x2b, 0xf7, 0x7b};
	static const uint8_t terms[32] = {0x01, 0x33, 0x49, 0x14, 0x24, 0x09, 0x0c, 0x6c, 0x71,
		0xec, 0x1e, 0x5f, 0x79, 0xff, 0xc2, 0x13, 0xac, 0xe5, 0x1b, 0xae, 0x0d, 0x40, 0xe5,
		0xdd, 0x1d, 0x06, 0xec, 0xf0, 0x2e, 0x69, 0x53, 0x16};
	EMR_AUTO_SECRET b = {0};
	EMR_AUTO_BUF part = {0};
	emr_grantee_key *key = NULL;
	emr_box_key *box = NULL;
	uint8_t pk[32], x25519[32], hash[32];
	emr_id16 before;

	assert_ok(emr_secret_new(32, &b));
	memset(b.data, 0, 32);
	b.data[0] = 1;
	assert_ok(emr_grantee_key_from(&b, &key));
	assert_ok(emr_grantee_key_box(key, &box));
	emr_box_key_public(box, pk);
	assert_memory_equal(pk, box_pk, 32);
	emr_box_key_free(box);
	emr_grantee_key_free(key);
	memset(x25519, 0x11, sizeof x25519);
	memset(before.b, 0x22, sizeof before.b);
	assert_ok(emr_team_terms_make(EMR_TEAM_CHOSEN, "heart", x25519, before, &part, hash));
	assert_memory_equal(hash, terms, 32);
}

TEST(a_team_of_before_has_no_receiving_key)
{
	static const uint8_t old[32 + 7] = {[32] = 5, 'h', 'e', 'a', 'r', 't', 1};
	const emr_bytes terms = emr_bytes_of(old + 32, 7);
	emr_id32 hash = emr_sha256_of(&terms, 1);
	emr_team team = {.has_box = true};

	assert_ok(team_terms_read(emr_bytes_of(old, sizeof old), hash.b, &team));
	assert_false(team.has_box);
	assert_true(emr_id16_is_zero(team.before));
}

/* Its members were told the key of the names, which goes on until there is another. */
TEST(a_team_that_ends_calls_for_another_key)
{
	STORY_READ;
	AUTO(crew_end) crew c;
	emr_grant_order order;
	emr_grant_made made;

	crew_begin(&c, &s, NULL);
	admit(&c, &s.lima);
	order = order_for(&c);
	order.not_after_unix_s = story_now(&s) + 500 * DAY;
	assert_ok(emr_share_grant(begins(s.ana), &order, &made));
	assert_false(story_is_due(&s, s.imaging));
	story_does(&s, c.leader, emr_act_dataset_close(c.id));
	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_true(story_is_due(&s, s.imaging));
	assert_ok(emr_share_renew(begins(s.ana), s.imaging));
	assert_false(story_is_due(&s, s.imaging));
	story_pass(&s, 401 * DAY); /* and its time */
	assert_true(story_is_due(&s, s.imaging));
}

TESTS(NULL, NULL)
