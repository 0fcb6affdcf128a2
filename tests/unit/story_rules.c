/* In this file the organisations of a story agree on rules, and on a later contract. */
#include "story_kit.h"

#include "ledger/hash.h"

void story_rules(story *s, const char *text)
{
	EMR_AUTO_BUF part = {0};
	emr_bytes bytes = emr_bytes_of(text, strlen(text));
	emr_id32 salt = emr_id32_random(), hash = emr_sha256_of(&bytes, 1);
	emr_pub_org_propose what = {
		.kind = EMR_PROPOSAL_RULES, .not_after_unix_s = story_now(s) + DAY};

	memcpy(what.subject, hash.b, sizeof what.subject);
	assert_ok(emr_buf_append(&part, salt.b, sizeof salt.b));
	assert_ok(emr_buf_append(&part, bytes.data, bytes.len));
	story_agree(s, &what, emr_buf_view(&part));
}

void story_contract(story *s, uint8_t number)
{
	const emr_pub_org_propose what = {.kind = EMR_PROPOSAL_CONTRACT,
		.subject = {0, 0, 0, number},
		.not_after_unix_s = story_now(s) + DAY};

	story_agree(s, &what, (emr_bytes){0});
}
