/* The ledger has a row for each grant, a person remembers deeds. This file tells which of all
 * that was the owner's own doing, each deed once. */
#include <string.h>

#include "dealings_private.h"

static bool is_same_share(const life *a, const life *b)
{
	return a == b ||
	       (!emr_id16_is_zero(a->share_id) && emr_id16_equal(a->share_id, b->share_id));
}

static bool is_for_same(const life *a, const life *b)
{
	return emr_id16_equal(a->given.domain, b->given.domain) &&
	       emr_id32_equal(a->given.person, b->given.person);
}

static bool is_alive_at(const life *l, uint64_t seq)
{
	return l->given.seq < seq && seq < l->ended_seq;
}

static bool ended_early(const life *l)
{
	return l->ended_at < l->given.until_unix_s;
}

/* Where the share begins: its oldest grant. */
static const life *home_of(const emr_buf *all, const life *l)
{
	const life *home = l;

	EMR_EACH (const life, o, all)
		if (is_same_share(o, l) && o->given.seq < home->given.seq)
			home = o;
	return home;
}

/* A team's next key has it already (at home), or he has nothing of that share at home any more
 * (inside). */
static bool goes_by_itself(const emr_buf *all, const life *l, const life *home)
{
	bool is_inside = !emr_id16_equal(l->given.domain, home->given.domain);

	EMR_EACH (const life, o, all) {
		if (o == l || !is_same_share(o, l) ||
			!emr_id16_equal(o->given.domain, home->given.domain) ||
			!is_alive_at(o, l->ended_seq))
			continue;
		if (!is_inside || emr_id32_equal(o->given.person, l->given.person))
			return !is_inside;
	}
	return is_inside;
}

/* Several of one person that end in one entry are one deed, told with the oldest: of everything
 * that they gave. */
static bool is_told_already(const emr_buf *all, const life *l, uint16_t *rights)
{
	EMR_EACH (const life, o, all) {
		if (!is_for_same(o, l) || o->ended_seq != l->ended_seq || o->ends_silently ||
			!ended_early(o))
			continue;
		if (o->given.seq < l->given.seq)
			return true;
		*rights |= o->given.rights;
	}
	return false;
}

/* He has something there by another share. */
static bool goes_on(const emr_buf *all, const life *l)
{
	EMR_EACH (const life, o, all) {
		if (o != l && is_for_same(o, l) && is_alive_at(o, l->ended_seq) &&
			o->given.until_unix_s > l->ended_at)
			return true;
	}
	return false;
}

static emr_status tell_end(const emr_buf *all, const life *l, const life *home, emr_buf *out)
{
	emr_share_dealing ended = l->given;

	if (l->ended_seq == NEVER || l->ends_silently || !ended_early(l) ||
		goes_by_itself(all, l, home) || is_told_already(all, l, &ended.rights))
		return EMR_OK;
	ended.kind = EMR_DEALING_ENDED;
	ended.seq = l->ended_seq;
	ended.at = l->ended_at;
	ended.batch_id = l->ended_batch;
	ended.goes_on = goes_on(all, l);
	return emr_buf_append(out, &ended, sizeof ended);
}

/* O gives as much there, and goes on when L is over; of two that end at once the first is told. */
static bool outlasts(const life *o, const life *l)
{
	uint64_t end = l->given.until_unix_s;

	return is_for_same(o, l) && (l->given.rights & ~EMR_AWAY_BITS & ~o->given.rights) == 0 &&
	       o->given.at < end && o->ended_at > end &&
	       (o->given.until_unix_s > end ||
		       (o->given.until_unix_s == end && o->given.seq < l->given.seq));
}

static emr_status tell_expiry(const emr_buf *all, const life *l, const life *home, emr_buf *out)
{
	emr_share_dealing expired = l->given;

	if (ended_early(l) || l->given.until_unix_s == NEVER ||
		!emr_id16_equal(l->given.domain, home->given.domain))
		return EMR_OK;
	EMR_EACH (const life, o, all)
		if (o != l && outlasts(o, l))
			return EMR_OK;
	expired.kind = EMR_DEALING_EXPIRED;
	expired.at = l->given.until_unix_s;
	return emr_buf_append(out, &expired, sizeof expired);
}

emr_status dealings_tell(const emr_buf *all, emr_buf *out)
{
	EMR_EACH (const life, l, all) {
		const life *home = home_of(all, l);

		if (home == l)
			EMR_TRY(emr_buf_append(out, &l->given, sizeof l->given));
		EMR_TRY(tell_end(all, l, home, out));
		EMR_TRY(tell_expiry(all, l, home, out));
	}
	return EMR_OK;
}
