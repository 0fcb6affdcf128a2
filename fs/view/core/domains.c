/* This file knows of the domains of one's own: who makes them, and which one is the Inbox. */
#include "tree.h"

#include <string.h>

#include "contract/codes.h"
#include "contract/rows.h"
#include "keyring/coowned.h"

bool view_makes_domains(const emr_view *view)
{
	return emr_keyring_kind_of(view->options.keyring) != EMR_KEYRING_DEVICE;
}

typedef struct inbox_search {
	const emr_keyring *keyring;
	emr_id16 found;
} inbox_search;

static emr_status note_inbox(void *arg, emr_id16 domain, bool is_mine, emr_bytes bytes)
{
	inbox_search *s = arg;
	emr_row_domain row;

	if (!is_mine ||
		emr_row_domain_parse((emr_span){bytes.data, bytes.len}, &row) != EMR_CONTRACT_OK ||
		(row.head.flags & EMR_ITEM_INBOX) == 0)
		return EMR_OK;
	if (emr_keyring_owns(s->keyring, domain, row.owner_pk))
		s->found = domain;
	return EMR_OK;
}

emr_status domains_inbox(emr_view *view, emr_id16 *out_domain)
{
	inbox_search s = {.keyring = view->options.keyring};
	emr_status status = emr_replica_domains(view->options.replica, note_inbox, &s);

	*out_domain = s.found;
	return status;
}
