/* These tests are about frozen states of a dataset: they have what was there then, whatever is
 * saved or removed afterwards, as long as its owner gives it, and bring nothing back. */
#include "datasets_kit.h"

#include "replica/ask.h"
#include "share/frozen.h"

#define TERMS(until)                                                                               \
	"{\"purpose\":\"To count pixels\",\"who\":\"Researchers\",\"until\":\"" until              \
	"\",\"data\":\"identified\"}"

static emr_grant_made joined(story *s, called *d)
{
	emr_grant_made made;

	dataset_call_on(d, s, TERMS("2090-01-01"), (emr_id16){{0}}, 0);
	dataset_admit(d, &s->lima);
	made = dataset_join(d);
	story_see(&s->lima);
	return made;
}

static uint32_t versions_at(story *s, const called *d, uint64_t log_size)
{
	EMR_AUTO_FROZEN_LOOK look = {.n = 0};
	emr_team team;

	story_see(&s->lima);
	assert_ok(emr_team_get(s->lima.replica, d->id, &team));
	assert_ok(emr_frozen_look_at(s->lima.replica, &team, log_size, story_now(s), &look));
	return look.n;
}

TEST(a_frozen_state_has_what_was_renamed_or_saved_over_since_and_not_what_came_since)
{
	emr_replica_position then, now;
	STORY;
	AUTO(called_end) called d;

	(void)joined(&s, &d);
	assert_ok(emr_replica_at(s.lima.replica, &then));
	assert_int_equal(versions_at(&s, &d, then.size), 2);
	kit_rename(&s.k, "Imaging/MRI.pdf", "Imaging/Knee.pdf");
	kit_publish_all(&s.k);
	assert_int_equal(versions_at(&s, &d, then.size), 2);
	kit_text(&s.k, "Imaging/Old/CT.pdf", "another scan");
	kit_save(&s.k, "Imaging/New.pdf", "one more");
	kit_unlink(&s.k, "Imaging/Knee.pdf");
	kit_publish_all(&s.k);
	assert_int_equal(versions_at(&s, &d, then.size), 2);
	assert_ok(emr_replica_at(s.lima.replica, &now));
	assert_int_equal(versions_at(&s, &d, now.size), 2);
}

/* The steward has a program of his own, which names the state of an entry that is past. */
TEST(a_state_keeps_what_was_there_when_it_was_made_and_brings_nothing_back)
{
	emr_replica_position then;
	emr_replica_head head = {.pversion = 0};
	emr_pub_dataset_snapshot what = {.n = 1};
	uint64_t first, second;
	emr_team team;
	bool keeps = true;
	STORY;
	AUTO(called_end) called d;

	(void)joined(&s, &d);
	assert_ok(emr_team_get(s.lima.replica, d.id, &team));
	assert_ok(emr_replica_at(s.lima.replica, &then));
	kit_text(&s.k, "Imaging/Old/CT.pdf", "another scan");
	kit_publish_all(&s.k);
	story_see(&s.lima);
	{
		EMR_ASK(heads, s.lima.replica, HEADS, .domain = s.imaging);

		while (head.version < 2 || head.pversion == 0)
			assert_true(emr_next(&heads, &head));
	}
	first = head.version - 1;
	second = head.pversion;
	what.log_size = then.size;
	memcpy(what.dataset, d.id.b, sizeof what.dataset);
	story_does(&s, dataset_steward(&d), emr_act_snapshot(emr_id16_random(), &what));
	story_see(&s.lima);
	assert_ok(emr_frozen_keeps(s.lima.replica, &team, &head, first, &keeps));
	assert_false(keeps);
	kit_text(&s.k, "Imaging/Old/CT.pdf", "a third scan");
	kit_publish_all(&s.k);
	story_see(&s.lima);
	assert_ok(emr_replica_head_get(s.lima.replica, s.imaging, head.object, &head));
	assert_true(head.pversion > second);
	assert_ok(emr_frozen_keeps(s.lima.replica, &team, &head, second, &keeps));
	assert_true(keeps);
	assert_ok(emr_frozen_keeps(s.lima.replica, &team, &head, first, &keeps));
	assert_false(keeps);
}

/* Its key changed when a reader was taken out, and the owners' computers followed. */
TEST(a_frozen_state_outlives_the_key_that_it_was_made_under)
{
	EMR_AUTO_FROZEN_LOOK look = {.n = 0};
	emr_replica_position then;
	emr_grant_made made;
	emr_team team;
	STORY;
	AUTO(called_end) called d, heir;

	made = joined(&s, &d);
	assert_ok(emr_replica_at(s.lima.replica, &then));
	dataset_call_on(&heir, &s, TERMS("2090-01-01"), d.id, 0);
	dataset_admit(&heir, &s.lima);
	(void)dataset_join(&heir);
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	assert_int_equal(versions_at(&s, &heir, then.size), 2);
	story_does(&s, dataset_steward(&d), emr_act_dataset_close(d.id));
	assert_int_equal(versions_at(&s, &heir, then.size), 2);
	/* An owner who has not followed is in a team that nobody reads. */
	assert_ok(emr_share_revoke_person(begins(s.ana), s.imaging, heir.grantee, &(size_t){0}));
	assert_int_equal(versions_at(&s, &heir, then.size), 0);
	assert_ok(emr_team_get(s.lima.replica, heir.id, &team));
	assert_ok(emr_frozen_look_at(s.lima.replica, &team, then.size, story_now(&s), &look));
	assert_int_equal(look.withdrawn, 1);
}

TEST(a_dataset_that_was_closed_was_left_by_nobody)
{
	EMR_AUTO_FROZEN_LOOK look = {.n = 0};
	emr_replica_position then;
	emr_grant_made made;
	emr_team team;
	called d;
	STORY;

	made = joined(&s, &d);
	assert_ok(emr_replica_at(s.lima.replica, &then));
	assert_int_equal(
		story_says(&s, dataset_steward(&d), emr_act_dataset_close(d.id), (emr_bytes){0}),
		EMR_RESULT_APPLIED);
	assert_int_equal(versions_at(&s, &d, then.size), 0);
	assert_ok(emr_team_get(s.lima.replica, d.id, &team));
	assert_ok(emr_frozen_look_at(s.lima.replica, &team, then.size, story_now(&s), &look));
	assert_int_equal(look.withdrawn, 0);
	emr_frozen_look_free(&look);
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	assert_int_equal(versions_at(&s, &d, then.size), 0);
	assert_ok(emr_frozen_look_at(s.lima.replica, &team, then.size, story_now(&s), &look));
	assert_int_equal(look.withdrawn, 1);
	emr_grantee_key_free(d.key);
}

TEST(a_folder_that_was_taken_back_and_given_again_has_left_the_state)
{
	EMR_AUTO_FROZEN_LOOK look = {.n = 0};
	emr_replica_position then;
	emr_grant_made made;
	emr_team team;
	STORY;
	AUTO(called_end) called d;

	made = joined(&s, &d);
	story_see(&s.lima);
	assert_ok(emr_replica_at(s.lima.replica, &then));
	assert_ok(emr_share_revoke(begins(s.ana), s.imaging, made.grant));
	(void)dataset_join(&d);
	story_see(&s.lima);
	assert_ok(emr_team_get(s.lima.replica, d.id, &team));
	assert_ok(emr_frozen_look_at(s.lima.replica, &team, then.size, story_now(&s), &look));
	assert_int_equal(look.n, 0);
	assert_int_equal(look.left, 2);
	assert_int_equal(look.withdrawn, 1);
}

TESTS(NULL, NULL)
