"""Languages as containers write them: three letters of ISO 639-2, where subtitle files have a tag like `en` or `pt-BR`.

MP4 takes the code that is made of the language's own name (`deu`), Matroska the one of its English name (`ger`).
"""

from __future__ import annotations

from dataclasses import dataclass

from marlin_edit.text import is_language_tag

UNKNOWN = "und"

_TABLE = """
aa=aar ab=abk ae=ave af=afr ak=aka am=amh an=arg ar=ara as=asm av=ava ay=aym az=aze ba=bak be=bel bg=bul bh=bih
bi=bis bm=bam bn=ben bo=bod/tib br=bre bs=bos ca=cat ce=che ch=cha co=cos cr=cre cs=ces/cze cu=chu cv=chv
cy=cym/wel da=dan de=deu/ger dv=div dz=dzo ee=ewe el=ell/gre en=eng eo=epo es=spa et=est eu=eus/baq fa=fas/per
ff=ful fi=fin fj=fij fo=fao fr=fra/fre fy=fry ga=gle gd=gla gl=glg gn=grn gu=guj gv=glv ha=hau he=heb hi=hin
ho=hmo hr=hrv ht=hat hu=hun hy=hye/arm hz=her ia=ina id=ind ie=ile ig=ibo ii=iii ik=ipk io=ido is=isl/ice it=ita
iu=iku ja=jpn jv=jav ka=kat/geo kg=kon ki=kik kj=kua kk=kaz kl=kal km=khm kn=kan ko=kor kr=kau ks=kas ku=kur
kv=kom kw=cor ky=kir la=lat lb=ltz lg=lug li=lim ln=lin lo=lao lt=lit lu=lub lv=lav mg=mlg mh=mah mi=mri/mao
mk=mkd/mac ml=mal mn=mon mr=mar ms=msa/may mt=mlt my=mya/bur na=nau nb=nob nd=nde ne=nep ng=ndo nl=nld/dut
nn=nno no=nor nr=nbl nv=nav ny=nya oc=oci oj=oji om=orm or=ori os=oss pa=pan pi=pli pl=pol ps=pus pt=por qu=que
rm=roh rn=run ro=ron/rum ru=rus rw=kin sa=san sc=srd sd=snd se=sme sg=sag si=sin sk=slk/slo sl=slv sm=smo sn=sna
so=som sq=sqi/alb sr=srp ss=ssw st=sot su=sun sv=swe sw=swa ta=tam te=tel tg=tgk th=tha ti=tir tk=tuk tl=tgl
tn=tsn to=ton tr=tur ts=tso tt=tat tw=twi ty=tah ug=uig uk=ukr ur=urd uz=uzb ve=ven vi=vie vo=vol wa=wln wo=wol
xh=xho yi=yid yo=yor za=zha zh=zho/chi zu=zul
"""
"""ISO 639-1 with the codes of ISO 639-2: `two=three`, or `two=three/three` where there are two."""


@dataclass(frozen=True)
class Codes:
    """The two codes of a language; they are the same for most."""

    own: str
    english: str


_CODES: dict[str, Codes] = {}
for _entry in _TABLE.split():
    _two, _, _three = _entry.partition("=")
    _own, _, _english = _three.partition("/")
    _CODES[_two] = _CODES[_own] = _CODES[_english or _own] = Codes(_own, _english or _own)


def codes_of(tag: str) -> Codes:
    """The codes of a BCP 47 tag's language; `und` for one without any of three letters."""
    language = tag.partition("-")[0].lower()
    return _CODES.get(language) or (Codes(language, language) if len(language) == 3 else Codes(UNKNOWN, UNKNOWN))


def is_known(tag: str) -> bool:
    """Whether a text is a tag of one of the languages that have two letters: `en`, `eng`, `pt-BR`, not `old`."""
    return is_language_tag(tag) and tag.partition("-")[0].lower() in _CODES


def lost_in_codes(tag: str) -> bool:
    """Whether three letters say less than a tag: of `en-GB` the region, of `i-klingon` all."""
    return "-" in tag or (tag.lower() != UNKNOWN and codes_of(tag).own == UNKNOWN)
