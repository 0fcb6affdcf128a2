/* This file answers what the terms of a dataset decide for its reader: for which purpose keys are
 * asked for, under which path records are shown, and which versions a frozen state has. */
#include <stdio.h>
#include <string.h>

#include "shared.h"

uint8_t shared_purpose(const emr_view *view, const shared_share *s)
{
	return s->owner->set != NULL ? EMR_DATASET_PURPOSE : view->options.purpose;
}

bool shared_is_of_copies(const shared_owner *owner)
{
	return owner->set != NULL && owner->set->terms.is_deidentified;
}

char *shared_owner_path(const shared_owner *owner)
{
	char *path = NULL;
	int len = owner->set != NULL ? asprintf(&path, "%s/%s/%s", SETS_DIRECTORY, owner->set->name,
					       owner->name)
				     : asprintf(&path, "%s/%s", SHARED_DIRECTORY, owner->name);

	return len < 0 ? NULL : path;
}

/* ---- a frozen state ---- */

bool shared_is_wanted(const emr_view *view, const emr_received *r)
{
	const shares *all = view->shares;

	return all->frozen_at == 0 || !r->is_dataset || !emr_id16_equal(r->line, all->only) ||
	       emr_buf_has(&all->frozen, &r->grant.domain, sizeof r->grant.domain);
}
