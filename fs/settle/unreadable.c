/* This file lists what others have put into one's own folders and what does not open here, so that
 * it can be counted and erased by name. The list only grows: a record that opens again stays in it
 * without a version. */
#include "unreadable.h"

#include <stdlib.h>

#include "base/array.h"

void unreadable_free(unreadable *u)
{
	free(u->all);
	index16_free(&u->by_object);
	*u = (unreadable){0};
}

static emr_status add_object(unreadable *u, emr_id16 object, uint32_t *out_at)
{
	if (emr_array_room(&u->all, u->n, &u->cap, sizeof *u->all) != EMR_OK)
		return EMR_NO_MEMORY;
	EMR_TRY(index16_put(&u->by_object, object, (uint32_t)u->n));
	u->all[u->n] = (unreadable_object){.object = object};
	*out_at = (uint32_t)u->n++;
	return EMR_OK;
}

/* The maker of an object chooses its id: of two with one id in two domains the first is kept. */
emr_status unreadable_note(unreadable *u, emr_id16 domain, emr_id16 object, uint64_t version)
{
	uint32_t at = index16_get(&u->by_object, object);

	if (at == INDEX16_NONE && version == 0)
		return EMR_OK;
	if (at == INDEX16_NONE)
		EMR_TRY(add_object(u, object, &at));
	if (u->all[at].version != 0 && !emr_id16_equal(u->all[at].domain, domain))
		return EMR_OK;
	u->count += (uint64_t)(version != 0) - (uint64_t)(u->all[at].version != 0);
	u->all[at].domain = domain;
	u->all[at].version = version;
	return EMR_OK;
}
