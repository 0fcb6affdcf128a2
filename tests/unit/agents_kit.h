/* Tells which agents the owner's computer would not name, and whom it replaces. */
#pragma once

#include "share/give.h"
#include "story_kit.h"

/* Why AGENT would not release a share with GRANTEE by RULE. */
static inline emr_left_out_why story_why_left_out(
	story *s, emr_id32 grantee, uint16_t rule, emr_id32 agent)
{
	EMR_AUTO_BUF all = {0};
	emr_left_out_why why = EMR_LEFT_OUT_NOT;

	assert_ok(emr_share_agents_left_out(s->ana, grantee, rule, &all));
	EMR_EACH (const emr_left_out, left, &all)
		if (emr_id32_equal(left->agent, agent))
			why = left->why;
	return why;
}

/* How many shares the owner's computer gives through other agents now; *OUT_LAST (may be NULL): the
 * last that it tells of. */
static inline size_t story_replaces_agents(
	story *s, const emr_nested *tree, size_t n, emr_status expected, emr_handover *out_last)
{
	EMR_AUTO_BUF all = {0};
	size_t made = 0;

	assert_status(expected, emr_share_replace_agents(begins(s->ana), tree, n, &all));
	EMR_EACH (const emr_handover, h, &all) {
		made += h->is_made;
		if (out_last != NULL)
			*out_last = *h;
	}
	return made;
}
