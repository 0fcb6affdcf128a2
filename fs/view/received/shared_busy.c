/* Of the shares of others only those are looked at for which there may be something to do: somebody
 * waits, asks, closed a file, or the ledger has something new of them. This file keeps their list,
 * so that a reader of a dataset of a thousand participants does not pay for all of them at each. */
#include "node.h"
#include "shared.h"

#define ALL_NS                                                                                     \
	INT64_C(5000000000) /* all of them, without a reason: a time that was waited for has come  \
			     */

void shared_stir(emr_view *view, shared_share *s)
{
	if (s->is_busy)
		return;
	s->is_busy = true;
	s->next_busy = view->shares->busy;
	view->shares->busy = s;
}

void shared_part_came(emr_view *view, emr_id16 domain)
{
	for (shared_share *s = view->shares != NULL ? view->shares->all : NULL; s != NULL;
		s = s->next)
		if (emr_id16_equal(s->domain, domain)) {
			s->has_grown = s->tree != NULL;
			s->is_name_due = true;
			shared_stir(view, s);
		}
}

void shared_stir_owner(emr_view *view, const shared_owner *owner)
{
	for (shared_share *s = owner->shares; s != NULL; s = s->next_of_owner)
		shared_stir(view, s);
}

void shared_stir_all(emr_view *view)
{
	shares *all = view->shares;
	int64_t now = view_boot_ns(view);

	if (now - all->all_busy_boot_ns < ALL_NS)
		return;
	all->all_busy_boot_ns = now;
	for (shared_share *s = all->all; s != NULL; s = s->next)
		shared_stir(view, s);
}
