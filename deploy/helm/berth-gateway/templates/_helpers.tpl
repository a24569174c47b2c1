{{- define "berth-gateway.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{- define "berth-gateway.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "berth-gateway.labels" -}}
{{ include "berth-gateway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "berth-gateway.secret" -}}
{{ .Values.secret.existing | default (include "berth-gateway.name" .) }}
{{- end }}

{{- /* What this chart decides, over what settings say. */ -}}
{{- define "berth-gateway.settings" -}}
{{- $name := printf "%s-admin" (include "berth-gateway.name" .) }}
{{- $ns := .Release.Namespace }}
{{- $hosts := list $name (printf "%s.%s" $name $ns) (printf "%s.%s.svc" $name $ns) (printf "%s.%s.svc.cluster.local" $name $ns) }}
{{- $range := dict "start" (int .Values.agentPorts.start) "end" (int .Values.agentPorts.end) }}
{{- $http := dict "host" "0.0.0.0" "port" 8080 "agentPortRange" $range "allowedHosts" (concat $hosts .Values.admin.allowedHosts) }}
{{- $grpc := dict "host" "0.0.0.0" "port" 9090 }}
{{- with .Values.grpc.tlsSecret }}
{{- $_ := set $grpc "tls" (dict "enabled" true "certFile" "/etc/berth/tls/tls.crt" "keyFile" "/etc/berth/tls/tls.key") }}
{{- end }}
{{- $own := dict "http" $http "grpc" $grpc "state" (dict "file" "/var/lib/berth/state.db") }}
{{- with .Values.agentPorts.publicHost }}
{{- $_ := set $own "agentPorts" (dict "publicHost" .) }}
{{- end }}
{{- mergeOverwrite (deepCopy .Values.settings) $own | toYaml }}
{{- end }}
