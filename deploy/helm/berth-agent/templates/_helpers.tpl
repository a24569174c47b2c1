{{- define "berth-agent.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{- define "berth-agent.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "berth-agent.labels" -}}
{{ include "berth-agent.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "berth-agent.secret" -}}
{{ .Values.secret.existing | default (include "berth-agent.name" .) }}
{{- end }}

{{- /* What this chart decides, over what settings say. */ -}}
{{- define "berth-agent.settings" -}}
{{- $own := dict "gateway" (required "gateway: host:port of the gateway's gRPC port" .Values.gateway) "id" (.Values.id | default .Release.Name) }}
{{- if not (or .Values.target .Values.expose) }}{{ fail "target, or expose: where requests go" }}{{ end }}
{{- with .Values.target }}{{ $_ := set $own "target" . }}{{ end }}
{{- with .Values.expose }}{{ $_ := set $own "expose" . }}{{ end }}
{{- if .Values.tls.secret }}
{{- $tls := dict "enabled" true "caFile" "/etc/berth/tls/ca.crt" }}
{{- if .Values.tls.clientCertificate }}
{{- $tls = merge $tls (dict "certFile" "/etc/berth/tls/tls.crt" "keyFile" "/etc/berth/tls/tls.key") }}
{{- end }}
{{- $_ := set $own "tls" $tls }}
{{- end }}
{{- mergeOverwrite (deepCopy .Values.settings) $own | toYaml }}
{{- end }}
