/* When a published file loses its name, its record waits for a successor: many programs save by
 * writing a new file under the old name. This file keeps the list of such records, so that the
 * new file becomes the next version and not a stranger. */

#include <stdlib.h>
#include <string.h>

#include "edit.h"
#include "node.h"

/* Object ids are random where this computer drew them.  Others may choose theirs, and could make
 * one chain as long as the list: then it is as slow as that. */
static vacated **chain_of(emr_view *view, emr_id16 object)
{
	uint16_t low;

	memcpy(&low, object.b, sizeof low);
	return &view->vacated_by_object[low % VACATED_CHAINS];
}

vacated *vacated_of(const emr_view *view, const node *n)
{
	vacated *v = calloc(1, sizeof *v);

	if (v == NULL)
		return NULL;
	v->place = node_place(n);
	v->top_cver = node_top_cver(n);
	v->type = n->type;
	v->may_be_adopted = n->type == EMR_META_FILE;
	v->since_boot_ns = view_boot_ns(view);
	if (n->was != NULL) {
		v->directory = n->was->directory;
		memcpy(v->name, n->was->name, sizeof v->name);
	} else if (n->parent != NULL) {
		v->directory = n->parent->id;
		memcpy(v->name, n->name, strlen(n->name) + 1);
	}
	return v;
}

static void chain_in(emr_view *view, vacated *v)
{
	vacated **chain = chain_of(view, v->place.object);

	v->next_in_chain = *chain;
	*chain = v;
}

static void chain_out(emr_view *view, vacated *v)
{
	vacated **at = chain_of(view, v->place.object);

	while (*at != v)
		at = &(*at)->next_in_chain;
	*at = v->next_in_chain;
}

void vacated_add(emr_view *view, vacated *v)
{
	v->at = &view->vacated;
	v->next = view->vacated;
	if (v->next != NULL)
		v->next->at = &v->next;
	view->vacated = v;
	view->vacated_changes++;
	view_note_busy(view);
	chain_in(view, v);
	note_due(view, v->since_boot_ns + view->options.quiet_ns);
}

vacated *vacated_find(const emr_view *view, emr_id16 object)
{
	vacated *v = *chain_of((emr_view *)(uintptr_t)view, object);

	while (v != NULL && !emr_id16_equal(v->place.object, object))
		v = v->next_in_chain;
	return v;
}

void vacated_move(emr_view *view, vacated *v, const emr_place *place)
{
	chain_out(view, v);
	v->place = *place;
	chain_in(view, v);
}

void vacated_drop_this(emr_view *view, vacated *v)
{
	chain_out(view, v);
	view->vacated_changes++;
	*v->at = v->next;
	if (v->next != NULL)
		v->next->at = v->at;
	free(v);
}

void vacated_drop(emr_view *view, emr_id16 object)
{
	vacated *v = vacated_find(view, object);

	if (v != NULL)
		vacated_drop_this(view, v);
}
