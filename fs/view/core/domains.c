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

emr_status domains_inbox(emr_view *view, emr_id16 *out_domain)
{
	emr_known_domain domain;

	*out_domain = (emr_id16){{0}};
	EMR_ASK(asked, view->options.replica, DOMAINS);
	while (emr_next(&asked, &domain))
		if (domain.is_mine && (domain.row.head.flags & EMR_ITEM_INBOX) != 0 &&
			emr_keyring_owns(view->options.keyring, domain.domain, domain.row.owner_pk))
			*out_domain = domain.domain;
	return asked.status;
}
