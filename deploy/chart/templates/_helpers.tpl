{{/* The name of everything. Sealward is told it by --kube-name, and finds its own objects by it. */}}
{{- define "sealward.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "sealward.selector" -}}
app.kubernetes.io/name: sealward
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sealward.labels" -}}
{{ include "sealward.selector" . }}
app.kubernetes.io/part-of: sealward
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "sealward.image" -}}
{{- $repository := required "image.repository: name the image of Sealward, such as registry.example.com/sealward (build it with deploy/Dockerfile)" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The Secret of a certificate that is mounted; empty where Sealward makes its own. */}}
{{- define "sealward.mountedCertificate" -}}
{{- if .Values.certificate.existingSecret -}}
{{- .Values.certificate.existingSecret -}}
{{- else if eq .Values.profile "Strict" -}}
{{- printf "%s-serving" (include "sealward.name" .) -}}
{{- end -}}
{{- end -}}
