// 简体中文。

import type { ErrorCode } from '#core/errors.ts'
import { errorTable } from '#core/errors.ts'
import { curedBySigning, selfExplaining, withoutName, withoutStop } from './clauses.ts'
import type { Place, Sentences } from './sentences.ts'

export const chinese: Sentences = {
  headline: ({ place, image, outcome, policy, cause }) => {
    const subject = place === undefined ? `镜像“${image}”` : `${spot(place)}的镜像“${image}”`
    const name = policy === undefined ? '' : `策略“${policy}”`
    const said = {
      trusted: name === '' ? '可信' : `依据${name}可信`,
      untrusted: `被${name}拒绝`,
      undetermined: `无法判定，${name === '' ? '' : `${name}因此`}不予放行`,
      accepted: `未经验证即被${name}放行`,
    }[outcome]
    return `${subject}${said}${cause === '' ? '' : `：${cause}`}。`
  },
  alsoAt: (places) => `同一镜像还用于${places.map(spot).join('、')}。`,
  cause: (code, detail = '') => {
    if (code === undefined) return ''
    const shown = withoutStop(code === 'reference-malformed' ? withoutName(detail) : detail)
    if (code === 'denied-by-rule' && shown !== '') return shown
    const meaning = chineseCauses[code]?.cause ?? withoutStop(errorTable[code].meaning)
    return shown === '' || selfExplaining.has(code) ? meaning : `${meaning}（${shown}）`
  },
  platform: (name, digest, cause) => `其平台镜像 ${name}（${digest}）不符合策略：${cause}`,
  alsoRefused: (policy, outcome, cause) =>
    outcome === 'undetermined' ? `策略“${policy}”无法判定它：${cause}。` : `策略“${policy}”也拒绝它：${cause}。`,
  found: (lines) => `发现：${lines.join('；')}。`,
  noSignature: () => '没有任何签名',
  signature: ({ place, signer, counts, code, detail }) => {
    const who = signer === undefined ? '未知密钥' : `“${signer.attestor}”（密钥“${signer.key}”）`
    if (counts) return `${place}：由${who}作出的有效签名`
    if (code === 'signature-wrong-key') {
      return `${place}：由${who}作出的签名${signer === undefined ? '' : '，但策略并不要求该签名者'}`
    }
    const by = signer === undefined ? '' : `由${who}作出的`
    return `${place}：${by}签名无效${detail === undefined ? '' : `，${withoutStop(detail)}`}`
  },
  oddity: (place, detail) => `${place}：${withoutStop(detail)}`,
  unread: (place, detail) => `${place}：无法读取，${withoutStop(detail)}`,
  signedBy: (signer) =>
    `签名者：“${signer.attestor}”（密钥“${signer.key}”，SHA-256 ${signer.fingerprint.slice(0, 16)}…）。`,
  wouldBeAccepted: (what) => `可被接受的是：${what}。`,
  attestor: ({ attestor, keys, otherKeys, annotations, identity }) => {
    const names = keys.map((key) => `“${key}”`)
    if (otherKeys > 0) names.push(`其他 ${otherKeys} 个之一`)
    const by = names.length === 0 ? '目前没有有效密钥' : `密钥${names.join('或')}`
    const carrying = annotations.length === 0 ? '' : `，并带有注解 ${annotations.join('、')}`
    const named = identity === undefined ? '' : `，且签名中的镜像名称符合 identity ${identity}`
    return `“${attestor}”的签名（${by}）${carrying}${named}`
  },
  anything: () => '任意镜像',
  all: (parts) => parts.join('，以及'),
  any: (parts) => parts.join('，或者'),
  atLeast: (count, parts) => `以下各项中的至少 ${count} 项，且密钥各不相同：${parts.join('；')}`,
  nobodyCanSign: () => '请联系策略的所有者：策略要求的签名者目前都没有有效密钥，或已不存在。',
  nextStep: (text) => `下一步：${text}`,
  next: (code) => (curedBySigning.has(code) ? undefined : (chineseCauses[code]?.next ?? errorTable[code].next)),
  more: (count) => `另有 ${count} 项`,
  moreImages: (count) => `另有 ${count} 个镜像被拒绝。`,
  codeAndDecision: (codes, id) => `代码：${codes}  决定：${id}`,
  softened: (image, code, policy) => {
    const how = code === 'accepted-last-verdict' ? '依据上一次判定放行' : '未经验证即被放行'
    return `sealward：无法访问镜像仓库，镜像“${image}”${how}${policy === undefined ? '' : `（策略“${policy}”）`}`
  },
  unchangedUntrusted: (image, code) =>
    `sealward：本次更新未改动的镜像“${image}”已不再可信（${code ?? '未知'}），使用它的新 Pod 将被拒绝`,
  wouldBeRefused: (image, policy, code, cause) =>
    `sealward：镜像“${image}”将会被策略“${policy}”拒绝（${code}）：${cause}`,
}

const lists: Readonly<Record<string, string>> = {
  containers: '容器',
  initContainers: '初始化容器',
  ephemeralContainers: '临时容器',
  volumes: '镜像卷',
}

function spot({ list, name, field }: Place): string {
  if (list === 'field') return field
  return `${lists[list] ?? list}${name === '' ? '' : `“${name}”`}（${field}）`
}

/** Every code that a verdict can carry; a test holds this against the table of codes. */
export const chineseCauses: Partial<Record<ErrorCode, { readonly cause: string; readonly next: string }>> = {
  'signature-missing': { cause: '没有人为它签名', next: '用策略信任的密钥签名。' },
  'signature-by-stranger': { cause: '它有签名，但签名者不是策略所要求的', next: '用策略信任的密钥签名。' },
  'signature-invalid': { cause: '它的签名已损坏，或是为另一个镜像作出的', next: '用策略信任的密钥签名。' },
  'annotation-mismatch': { cause: '它的签名缺少策略要求的注解', next: '带上所需注解重新签名。' },
  'identity-mismatch': {
    cause: '签名时使用的名称不是策略所接受的',
    next: '以部署所用的名称签名，或放宽策略中的 identity。',
  },
  'key-not-valid': { cause: '签名所用的密钥无效', next: '用策略信任的密钥签名。' },
  'key-denied': { cause: '签名所用的密钥已被列入 DenyList', next: '用另一把受信任的密钥重新签名。' },
  'digest-denied': { cause: '它的摘要已被列入 DenyList', next: '改用其他镜像；原因见该 DenyList。' },
  'threshold-not-met': { cause: '不同签名者的数量不足', next: '用策略信任的密钥签名。' },
  'platform-untrusted': { cause: '并非所有平台镜像都符合策略', next: '使用 --recursive 签名。' },
  'digest-required': { cause: '它以标签引用，而策略只接受摘要', next: '请写成 name@sha256:… 的形式。' },
  'denied-by-rule': { cause: '有规则拒绝它', next: '改用其他镜像，或联系策略负责人。' },
  'no-rule': { cause: '没有任何策略的规则涵盖它', next: '改用规则涵盖的镜像，或请策略负责人添加规则。' },
  'no-policy': { cause: '此处没有适用的策略', next: '指定适用的策略，或用 --namespace 指定命名空间。' },
  'not-pinned': { cause: '它可信，但到达校验时未固定到已验证的摘要', next: '让对象经过 /mutate，或以摘要引用镜像。' },
  'reference-malformed': { cause: '这不是合法的镜像引用', next: '更正镜像名称。' },
  'registry-unreachable': {
    cause: '无法连接镜像仓库',
    next: '检查主机名、网络、代理（如已设置）和仓库的证书颁发机构。',
  },
  'registry-timeout': { cause: '镜像仓库未在期限内应答', next: '重试；若持续出现，请检查仓库。' },
  'registry-failing': { cause: '镜像仓库返回服务器错误', next: '重试；若持续出现，请检查仓库。' },
  'registry-throttled': { cause: '请求过多，镜像仓库暂时拒绝', next: '稍后重试，或提高仓库的速率限制。' },
  'token-service-failing': { cause: '仓库的令牌服务没有给出令牌', next: '重试；若持续出现，请检查令牌服务。' },
  'access-denied': { cause: '现有凭据均无法读取该镜像', next: '为 Sealward 提供可以拉取该镜像的凭据。' },
  'realm-refused': {
    cause: '仓库指向了不可接收凭据的令牌服务',
    next: '检查仓库；若确认无误，请按名称允许其令牌服务。',
  },
  'redirect-refused': { cause: '仓库重定向到了不可跟随的地址', next: '检查仓库。' },
  'address-refused': { cause: '该地址是链路本地地址或元数据服务', next: '更正镜像名称或仓库。' },
  'plain-http-refused': {
    cause: '仓库使用明文 HTTP，而该主机未被允许',
    next: '使用 TLS，或以 --insecure-registry HOST:PORT 允许。',
  },
  'image-not-found': { cause: '仓库中没有这个镜像、标签或仓库', next: '检查名称，并确认镜像已推送。' },
  'content-missing': { cause: '签名所引用的内容不在仓库中', next: '重新推送签名。' },
  'digest-mismatch': { cause: '仓库发来的内容与摘要不符', next: '应视该仓库为损坏或恶意。' },
  'content-truncated': { cause: '仓库的应答不完整', next: '重试；若持续出现，请检查仓库。' },
  'content-too-large': { cause: '仓库发来的内容超过上限', next: '检查推送到那里的内容。' },
  'registry-protocol': { cause: '仓库的应答不符合分发规范', next: '检查仓库。' },
  'manifest-malformed': { cause: '清单格式不正确', next: '用较新的工具重新推送镜像。' },
  'manifest-ambiguous': { cause: '清单可被解读为两种不同的东西', next: '用较新的工具重新推送镜像，并警惕其来源。' },
  'manifest-unsupported': { cause: '清单的类型无法绑定签名', next: '用较新的工具重新推送镜像。' },
  'too-many-signatures': { cause: '签名数量超过上限，而已读取的都不足够', next: '移除不属于那里的内容。' },
  'evidence-too-large': {
    cause: '一次请求需读取的签名数据超过上限',
    next: '移除不属于那里的内容，或减少一次部署的镜像数量。',
  },
  'too-many-platforms': { cause: '索引列出的镜像超过上限', next: '拆分该索引。' },
  'platform-unknown': { cause: '无法得知需要检查的平台', next: '使用 platforms: Index 或 Each。' },
  'namespace-labels-unknown': {
    cause: '策略按标签选择命名空间，但其标签未知',
    next: '在策略文件中加入 Namespace 对象。',
  },
  'too-many-rounds': { cause: '判定所需的查询次数超过上限', next: '检查推送到那里的内容。' },
  'judged-too-late': {
    cause: '期限到来时镜像尚未判定完毕，且并非在等待镜像仓库',
    next: '重试；若持续出现，请检查推送到那里的内容，或增加 Sealward 的副本数。',
  },
  'facts-missing': { cause: '记录的事实中没有本次判定所需的答案', next: '用要解释的策略重新记录。' },
  'pull-secret-unread': {
    cause: '未能及时读取 Pod 的拉取密钥，且没有其他凭据可以访问该镜像',
    next: '重试；若持续出现，请检查 API 服务器。',
  },
  'policies-not-loaded': {
    cause: '策略尚未读取，无法判定要求什么',
    next: '几秒后重试；若持续出现，请查看 Sealward 的 /readyz。',
  },
  overloaded: { cause: '服务器繁忙，未能及时判定', next: '重试；若持续出现，请增加 Sealward 的副本。' },
  'push-refused': { cause: '仓库未接受推送', next: '检查凭据是否可以推送到那里。' },
  'signature-place-occupied': {
    cause: '签名标签下已有其他内容，或已放不下新的签名',
    next: '查看那里的内容；若不属于那里，请将其移除。',
  },
  'readback-failed': { cause: '签名后无法读回并验证', next: '检查仓库，然后重新签名。' },
  'internal-error': { cause: 'Sealward 自身出错，这是一个缺陷', next: '请连同该决定的日志一并报告。' },
  'accepted-by-rule': { cause: '规则写明 insecureAcceptAnything', next: '无。' },
  'accepted-otherwise': { cause: '没有规则涵盖它，且策略写明 otherwise: Accept', next: '无。' },
  'accepted-undetermined': { cause: '无法访问仓库，且策略写明 InsecureAdmit', next: '修复仓库后重新判定。' },
  'accepted-last-verdict': { cause: '无法访问仓库，沿用上一次的可信判定', next: '修复仓库。' },
  'accepted-unchanged': { cause: '本次更新未改动它，未重新判定', next: '无。' },
  'accepted-not-enforced': { cause: '只有 Warn 或 Audit 策略涉及它', next: '处理警告后设置 mode: Enforce。' },
}
