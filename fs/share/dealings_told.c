/* The ledger has a row for each grant, a person remembers deeds. This file tells which of all
 * that was the owner's own doing, each deed once. */
#include <string.h>

#include "base/array.h"

#include "dealings_private.h"

emr_status told_add(told *t, const emr_share_dealing *dealing)
{
	if (emr_array_room(&t->list, t->n, &t->cap, sizeof *t->list) != EMR_OK)
		return EMR_NO_MEMORY;
	t->list[t->n++] = *dealing;
	return EMR_OK;
}

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
static const life *home_of(const lives *all, const life *l)
{
	const life *home = l;

	for (size_t i = 0; i < all->n; i++)
		if (is_same_share(&all->list[i], l) && all->list[i].given.seq < home->given.seq)
			home = &all->list[i];
	return home;
}

/* A team's next key has it already (at home), or he has nothing of that share at home any more
 * (inside). */
static bool goes_by_itself(const lives *all, const life *l, const life *home)
{
	bool is_inside = !emr_id16_equal(l->given.domain, home->given.domain);

	for (size_t i = 0; i < all->n; i++) {
		const life *o = &all->list[i];

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
static bool is_told_already(const lives *all, const life *l, uint16_t *rights)
{
	for (size_t i = 0; i < all->n; i++) {
		const life *o = &all->list[i];

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
static bool goes_on(const lives *all, const life *l)
{
	for (size_t i = 0; i < all->n; i++) {
		const life *o = &all->list[i];

		if (o != l && is_for_same(o, l) && is_alive_at(o, l->ended_seq) &&
			o->given.until_unix_s > l->ended_at)
			return true;
	}
	return false;
}

static emr_status tell_end(const lives *all, const life *l, const life *home, told *out)
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
	return told_add(out, &ended);
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

static emr_status tell_expiry(const lives *all, const life *l, const life *home, told *out)
{
	emr_share_dealing expired = l->given;

	if (ended_early(l) || l->given.until_unix_s == NEVER ||
		!emr_id16_equal(l->given.domain, home->given.domain))
		return EMR_OK;
	for (size_t i = 0; i < all->n; i++)
		if (&all->list[i] != l && outlasts(&all->list[i], l))
			return EMR_OK;
	expired.kind = EMR_DEALING_EXPIRED;
	expired.at = l->given.until_unix_s;
	return told_add(out, &expired);
}

emr_status dealings_tell(const lives *all, told *out)
{
	for (size_t i = 0; i < all->n; i++) {
		const life *l = &all->list[i], *home = home_of(all, l);

		if (home == l)
			EMR_TRY(told_add(out, &l->given));
		EMR_TRY(tell_end(all, l, home, out));
		EMR_TRY(tell_expiry(all, l, home, out));
	}
	return EMR_OK;
}
