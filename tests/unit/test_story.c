/* These tests are about two people and one folder, from the grant to its end, with real files on
 * a real ledger. */
#include "story_kit.h"

TEST(nobody_else_reads)
{
	STORY_READ;
	emr_grant_made made = story_share(&s, &s.lima, 0, true);
	emr_shared *shared = NULL;

	assert_status(EMR_DENIED,
		story_read(&s, &s.eve, made.grant, "MRI.pdf", all_agents, &bytes, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_NO_GRANT);
	assert_status(EMR_DENIED, story_read(&s, &s.lima, emr_id16_random(), "MRI.pdf", all_agents,
					  &bytes, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_NO_GRANT);
	story_see(&s.lima);
	assert_status(EMR_DENIED, emr_shared_open(s.lima.share, s.imaging, made.grant, RESEARCH,
					  EMR_READER_PERSON, &shared, &trouble));
	assert_int_equal(trouble.why, EMR_WHY_PURPOSE);
	assert_null(shared);
}

TESTS(NULL, NULL)
