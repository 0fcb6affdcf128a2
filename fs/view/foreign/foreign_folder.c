/* This file lets a depositor make folders in an Inbox. The ledger takes nothing but files of a
 * depositor, and what is left is often a folder of an image series. So only its maker sees such
 * a folder, and each file in it is left under a name that begins with those of its folders: in an
 * Inbox the owner's computer makes folders of them (deposits.c), elsewhere it shows the name. Two
 * equal names stand side by side at the owner's, as always. */
#include <string.h>

#include "contract/codes.h"

#include "foreign.h"
#include "node.h"

#define BETWEEN " - "
#define ALONE_NS (INT64_C(600) * 1000000000)

bool foreign_collects(const node *n)
{
	const shared_share *s;

	if (n->type != EMR_META_DIR || n->is_published || n->parent == NULL || shared_has(n))
		return false;
	s = shared_share_of(n);
	return s != NULL && (s->rights & (EMR_RIGHT_PUT | EMR_RIGHT_MKDIR)) == EMR_RIGHT_PUT;
}

const node *foreign_sent_to(const node *directory)
{
	while (foreign_collects(directory))
		directory = directory->parent;
	return directory;
}

void foreign_sent_name(const node *n, char out[EMR_NAME_MAX + 1])
{
	const shared_share *s = shared_share_of(n);
	const char *between = s != NULL && s->owner_card.len > 0 ? FOREIGN_BETWEEN : BETWEEN;
	size_t len = strlen(n->name);

	memcpy(out, n->name, len + 1);
	for (const node *up = n->parent; foreign_collects(up); up = up->parent) {
		size_t more = strlen(up->name) + strlen(between);

		if (len + more > EMR_NAME_MAX)
			return;
		memmove(out + more, out, len + 1);
		memcpy(out, up->name, strlen(up->name));
		memcpy(out + strlen(up->name), between, strlen(between));
		len += more;
	}
}

bool foreign_is_left_alone(const emr_view *view, const node *n)
{
	return !node_has_kids(n) && n->opens == 0 && view_now_ns(view) - n->ctime_ns >= ALONE_NS;
}
