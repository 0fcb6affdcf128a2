#!/bin/sh
# make_actions.sh EMRFS_PAGES SHARE: entries of file managers below SHARE, for those verbs that this emrfs has.
set -eu
pages=$1 share=$2
verbs=$("$pages" verbs)
mkdir -p "$share/nemo/actions" "$share/Thunar/sendto" "$share/emrfs/nautilus-scripts" "$share/file-manager/actions" \
	"$share/kio/servicemenus"

# entry DEED VERB LABEL COMMENT SELECTION ICON LABEL-PT COMMENT-PT [MIME]: DEED is what `action` is told, VERB of emrfs what it needs; SELECTION is s (one file)
# or any (as Nemo says it).  Then LABEL and COMMENT in Portuguese, and the type of the files it is for (all).
entry() {
	verb=$1 needs=$2 label=$3 comment=$4 selection=$5 icon=$6 label_pt=$7 comment_pt=$8 mime=${9:-}
	case "
$verbs
" in
	*"
$needs
"*) ;;
	*) return 0 ;;
	esac
	for_files='Extensions=any;'
	[ -z "$mime" ] || for_files="Mimetypes=$mime;"
	run="/usr/libexec/emrfs/action $verb"
	cat >"$share/nemo/actions/emrfs-$verb.nemo_action" <<END
[Nemo Action]
Name=$label
Name[pt]=$label_pt
Comment=$comment
Comment[pt]=$comment_pt
Exec=$run %F
Icon-Name=$icon
Selection=$selection
$for_files
UriScheme=file
END
	cat >"$share/Thunar/sendto/emrfs-$verb.desktop" <<END
[Desktop Entry]
Type=Application
Version=1.0
Name=Medical records: $label
Name[pt]=Registos clínicos: $label_pt
Comment=$comment
Comment[pt]=$comment_pt
Exec=$run %F
Icon=emrfs
NoDisplay=true
${mime:+MimeType=$mime;}
END
	cat >"$share/file-manager/actions/emrfs-$verb.desktop" <<END
[Desktop Entry]
Type=Action
Name=$label
Name[pt]=$label_pt
Tooltip=$comment
Tooltip[pt]=$comment_pt
Icon=$icon
Profiles=emrfs;

[X-Action-Profile emrfs]
MimeTypes=${mime:-all/all};
Exec=$run %F
END
	cat >"$share/kio/servicemenus/emrfs-$verb.desktop" <<END
[Desktop Entry]
Type=Service
X-KDE-ServiceTypes=KonqPopupMenu/Plugin
MimeType=${mime:-all/all};
Actions=$verb;
X-KDE-Submenu=Medical records
X-KDE-Submenu[pt]=Registos clínicos

[Desktop Action $verb]
Name=$label
Name[pt]=$label_pt
Icon=$icon
Exec=$run %F
END
	printf '#!/bin/sh\n# %s\nexec %s "$@"\n' "$comment" "$run" >"$share/emrfs/nautilus-scripts/$label"
	chmod 755 "$share/emrfs/nautilus-scripts/$label"
}
entry open status "Open without traces" "Open it with a viewer whose thumbnails and the like go when the folder is closed" notnone document-open \
	"Abrir sem deixar rasto" "Abrir com um visualizador cujas miniaturas e afins desaparecem quando a pasta é fechada"
entry restore restore "Earlier versions" "Look at the versions of this record and bring one back" s document-open-recent \
	"Versões anteriores" "Ver as versões deste registo e repor uma delas"
entry status status "Record properties" "What is safe, where, and who signed it" notnone document-properties \
	"Propriedades do registo" "O que está seguro, onde, e quem o assinou"
entry keep keep "Keep on this computer" "Keep this record here, also without network" notnone emblem-favorite \
	"Guardar neste computador" "Guardar aqui este registo, mesmo sem rede"
entry share share "Share ..." "Let somebody open this record, for a time" s document-send \
	"Partilhar ..." "Deixar alguém abrir este registo, durante algum tempo"
entry unshare revoke "Stop sharing ..." "Take back what somebody may open" s edit-undo \
	"Deixar de partilhar ..." "Retirar o que alguém pode abrir"
entry log log "Who opened it" "Who was given the keys of this record, and who opened it" notnone view-list \
	"Quem o abriu" "Quem recebeu as chaves deste registo, e quem o abriu"
entry card people "Take this card" "Take the card of a person, to share with that person" s contact-new \
	"Receber este cartão" "Receber o cartão de uma pessoa, para partilhar com ela" application/x-emrfs-card
entry join join "Join with this invitation" "Join the network that this invitation is for" s list-add \
	"Entrar com este convite" "Entrar na rede para a qual é este convite" application/x-emrfs-invitation
